/**
 * The program with two defects, which SIGUSR2 triggers: a rejected promise
 * without a handler, and an uncaught error.
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
