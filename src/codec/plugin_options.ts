/**
 * A plugin and its options in one text: `name;key=value;key`.
 *
 * Wire form: `\` escapes `\`, `;`, `=` and `:`. Options are passed on as they
 * are written. Source: SIP003 (https://shadowsocks.org/doc/sip003.html),
 * SIP002.
 *
 * @module
 */

/** A plugin as it is named in a link. */
export interface NamedPlugin {
  /** Name or path of its program. */
  readonly name: string;
  /** The options as they are written; not set: none. */
  readonly options?: string;
}

/** Splits off the name, which ends before the first `;` that is not escaped. */
export function splitPlugin(text: string): NamedPlugin {
  const [written = ""] = /^(?:\\[^]|[^\\;])*/.exec(text) ?? [];
  const options = text.slice(written.length + 1);
  const name = written.replace(/\\([^])/g, "$1");
  return options === "" ? { name } : { name, options };
}

/** Joins name and options, so that {@link splitPlugin} returns the same. */
export function joinPlugin({ name, options }: NamedPlugin): string {
  const written = name.replace(/[\\;]/g, "\\$&");
  return options ? `${written};${options}` : written;
}

/**
 * Returns the client's plugin for a server's plugin. `obfs-server` becomes
 * `obfs-local`, and v2ray-plugin loses its server options. Other plugins are
 * the same at both ends.
 */
export function clientPlugin(plugin: NamedPlugin): NamedPlugin {
  const { name, options = "" } = plugin;
  const all: readonly string[] = options.match(/(?:\\[^]|[^\\;])+/g) ?? [];
  const client = name.replace(/(^|\/)obfs-server$/, "$1obfs-local");
  if (client === name && !all.includes("server")) return plugin;
  const kept = all.filter((option) =>
    !/^(?:server$|(?:cert|certRaw|key|failover)=)/.test(option)
  );
  return kept.length === 0
    ? { name: client }
    : { name: client, options: kept.join(";") };
}
