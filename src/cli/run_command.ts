/**
 * Runs the commands. Each command loads its modules when it runs: loading the
 * modules of all commands would take most of the start time.
 *
 * @module
 */
import { findMethod } from "../crypto/method.ts";
import { systemRandomBytes } from "../random.ts";
import type { Arguments } from "./options/args.ts";
import { commandOf } from "./commands/commands.ts";
import { DEFAULT_METHOD } from "./commands/defaults.ts";
import { generateKey } from "./tools/genkey.ts";
import { usage } from "./options/getopt.ts";
import { commandHelp, programHelp } from "./options/help.ts";
import type { Host } from "./run/host.ts";
import { print } from "./output.ts";

/**
 * Thrown by a command that has printed a result with a problem; only the exit
 * code remains to be set.
 */
export class Unwell extends Error {
  /** True if the problem is in a configuration. */
  readonly isConfig: boolean;

  /** @param isConfig See {@link Unwell.isConfig}. */
  constructor(message: string, isConfig = false) {
    super(message);
    this.isConfig = isConfig;
  }
}

/**
 * Runs a command to its end.
 *
 * @param name The name in the table of commands.
 * @throws {Unwell} If the result has a problem.
 * @throws {UmbraError} If the command fails.
 */
export async function runNamed(
  name: string,
  args: Arguments,
  host: Host,
): Promise<void> {
  switch (name) {
    case "local":
      return await (await import("./run/start.ts")).runLocal(args, host);
    case "tunnel":
      return await (await import("./run/start.ts")).runTunnel(args, host);
    case "redir":
      return await (await import("./redir/redir_command.ts")).runRedir(
        args,
        host,
      );
    case "server":
      return await (await import("./run/start.ts")).runServer(args, host);
    case "init":
      return await (await import("./init/init.ts")).runInit(args);
    case "user":
      return await (await import("./user/user_command.ts")).runUser(args);
    case "fleet":
      return await (await import("./fleet/fleet_command.ts")).runFleet(args);
    case "genkey":
      return await printKey(args);
    case "url":
      return await (await import("./tools/print_urls.ts")).printUrls(args);
    case "convert": {
      const { printConverted } = await import("./tools/print_converted.ts");
      return await printConverted(args);
    }
    case "migrate": {
      const { runMigrate } = await import("./migrate/migrate_command.ts");
      return await runMigrate(args);
    }
    case "env": {
      const { proxyEnvironment } = await import("./tools/proxy_env.ts");
      const { systemSources } = await import("./config/sources.ts");
      return await print(proxyEnvironment(args, systemSources));
    }
    case "system-proxy": {
      const { runSystemProxy } = await import(
        "./system_proxy/system_proxy_command.ts"
      );
      return await runSystemProxy(args);
    }
    case "top":
      return await (await import("./top/top.ts")).runTop(args);
    case "check":
      return await check(args);
    case "route": {
      const { explainTargets } = await import("./routes/route_command.ts");
      const { systemSources } = await import("./config/sources.ts");
      const { keptLists } = await import("./routes/open_lists.ts");
      const lists = keptLists(args.last("config"), systemSources);
      return await print(
        await explainTargets(args, { ...systemSources, lists }),
      );
    }
    case "doctor":
      return succeed(
        await (await import("./doctor/doctor.ts")).runDoctor(args),
      );
    case "completions":
      return await printCompletions(args);
    case "man":
      return await print((await import("./options/man.ts")).manPage());
    case "help":
      return await printHelp(args);
    default:
      throw new RangeError(`No code for the command ${name}`);
  }
}

async function printKey(args: Arguments): Promise<void> {
  const method = findMethod(args.operands[0] ?? DEFAULT_METHOD, {
    shown: "given",
  });
  await print(`${generateKey(method, systemRandomBytes)}\n`);
}

async function check(args: Arguments): Promise<void> {
  const [what, file] = args.operands;
  const most = { config: 2, crypto: 1, transport: 1 }[what ?? ""] ?? Infinity;
  if (args.operands.length > most) {
    throw usage(`Too many arguments for ${what}; see --help`);
  }
  switch (what) {
    case "config": {
      if (file === undefined) throw usage("Missing FILE to check");
      const { describeConfig } = await import("./config/check_config.ts");
      const { systemSources } = await import("./config/sources.ts");
      const { keptLists } = await import("./routes/open_lists.ts");
      const lists = keptLists(file, systemSources);
      const sources = { ...systemSources, lists };
      const { text, isFit } = describeConfig(file, args, sources);
      await print(text);
      if (!isFit) throw new Unwell("There is something to change", true);
      return;
    }
    case "crypto":
      return await print((await import("./tools/crypto.ts")).cryptoTable());
    case "transport": {
      const { transportTable } = await import("./tools/transport.ts");
      return await print(await transportTable());
    }
    case "acl": {
      if (file === undefined) throw usage("Missing FILE to check");
      const { describeAclFiles } = await import("./routes/check_acl.ts");
      const { systemSources } = await import("./config/sources.ts");
      const [, , ...hosts] = args.operands;
      return await print(describeAclFiles([file], hosts, systemSources));
    }
    case "server": {
      const { runCheckServer } = await import("./doctor/check_server.ts");
      return succeed(await runCheckServer(args.withoutWord()));
    }
    default: {
      throw usage(
        "Missing subject: expected config, crypto, transport, server or acl",
      );
    }
  }
}

async function printCompletions(args: Arguments): Promise<void> {
  const { completions } = await import("./completions/completions.ts");
  await print(completions(args.operands[0]));
}

async function printHelp(args: Arguments): Promise<void> {
  const [word] = args.operands;
  await print(
    word === undefined
      ? programHelp()
      : commandHelp(commandOf(word), `umbra ${word}`),
  );
}

function succeed(well: boolean): void {
  if (!well) throw new Unwell("Something failed");
}
