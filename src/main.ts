/**
 * Entry of the program on every runtime, from source and compiled.
 *
 * @module
 */
import process from "node:process";
import { complain, tolerateClosedPipes } from "./cli/output.ts";
import { describeError, EXIT, isVerbose, runProgram } from "./cli/program.ts";

tolerateClosedPipes();
const argv = process.argv.slice(2);
// A defect in one connection must not fill the terminal either.
for (const event of ["uncaughtException", "unhandledRejection"]) {
  process.on(event, (error: unknown) => {
    const line = describeError(error, isVerbose(argv));
    complain(`umbra: ${line}\n`).finally(() => process.exit(EXIT.failure));
  });
}
runProgram(argv, [process.argv0, process.execPath])
  .then((code) => process.exit(code));
