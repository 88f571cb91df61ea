/**
 * The program with two defects that SIGUSR2 triggers: a promise without an
 * owner, and an error that is not caught.
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
