/**
 * The program with two defects that SIGUSR2 brings out: a promise that nobody
 * owns, and an error that is thrown where nobody catches.
 *
 * @module
 */
import process from "node:process";
import "../../src/main.ts";

process.on("SIGUSR2", () => {
  Promise.reject(new TypeError("nobody owns this"));
  setTimeout(() => {
    throw new RangeError("nobody catches this");
  }, 0);
});
