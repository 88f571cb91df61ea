/**
 * The invitation of a user: one HTML document that names the apps to install,
 * opens them with the connection, and shows the remaining quota and time.
 * Without its script it works as well; the script copies texts and converts the
 * QR code to a picture.
 *
 * Security: the page loads nothing. Script and style are those whose hashes the
 * policy contains. All text from outside is escaped.
 *
 * @module
 */
import type { OnlineServer } from "../../codec/sip008.ts";
import { contentHash } from "../../crypto/content_hash.ts";
import type { UsedBytes } from "../../fleet.ts";
import type { UserLimits } from "../../users.ts";
import { fitsQr, qrSvg } from "../qr.ts";
import { formatBytes } from "../units.ts";
import { type Access, APPS, type System, SYSTEMS } from "./apps.ts";
import { FORMS } from "./forms.ts";
import type { Invited } from "./secret_path.ts";
import { fill, LANGUAGES } from "./texts/languages.ts";
import type { Texts } from "./texts/texts.ts";

/** The content of a page. */
export interface PageContent extends Invited {
  /**
   * The server of the link; `undefined` if only some apps can read the link.
   */
  readonly parsed: OnlineServer | undefined;
  /** Address of the invitation, without a slash at its end. */
  readonly address: string;
  readonly nowUnixMs: number;
  /** `User-Agent` of the browser. */
  readonly agent: string;
}

const STYLE = `
:root { color-scheme: light dark; --line: #8886; --accent: #2563eb; }
* { box-sizing: border-box; }
body { margin: 0; font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 40rem; margin: 0 auto; padding: 1rem; }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1rem; }
nav a { padding: .5rem 0; }
nav a[aria-current] { color: inherit; text-decoration: none; font-weight: 600; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 1rem 0 .5rem; }
h2 { font-size: 1.15rem; margin: 0 0 .5rem; }
section { border-top: 1px solid var(--line); padding: 1rem 0; }
a { color: var(--accent); }
.warning { border-inline-start: .25rem solid #d97706; padding-inline-start: .75rem; }
.ended { border-inline-start: .25rem solid #dc2626; padding-inline-start: .75rem; }
progress { width: 100%; }
figure { margin: 1rem 0; text-align: center; }
figcaption { display: flex; justify-content: center; gap: .5rem; margin-top: .75rem; }
figure svg { width: min(100%, 22rem); height: auto; background: #fff; border-radius: .5rem; }
summary { cursor: pointer; padding: .6rem 0; font-weight: 600; }
ul { list-style: none; margin: 0; padding: 0; }
li { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; padding: .4rem 0; }
.open, button { font: inherit; padding: .6rem 1rem; border-radius: .5rem; border: 1px solid var(--accent); background: var(--accent); color: #fff; text-decoration: none; cursor: pointer; }
label { display: block; margin-top: .75rem; font-weight: 600; }
.field { display: flex; gap: .5rem; }
.field input { flex: 1; min-width: 0; font: .9rem ui-monospace, monospace; padding: .6rem; border-radius: .5rem; border: 1px solid var(--line); direction: ltr; text-align: left; }
@media (prefers-color-scheme: dark) { :root { --accent: #60a5fa; } .open, button { color: #000; } }
`;

const SCRIPT = `
for (const button of document.querySelectorAll("button[data-copied]")) {
  const field = button.previousElementSibling;
  const text = button.textContent;
  button.hidden = false;
  button.onclick = async () => {
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      if (!document.execCommand("copy")) return;
    }
    button.textContent = button.dataset.copied;
    setTimeout(() => button.textContent = text, 2000);
  };
}
const drawing = document.querySelector("figure svg");
if (drawing) {
  const save = document.querySelector("a[download]");
  const share = save.nextElementSibling;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = drawing.viewBox.baseVal.width * 16;
  const context = canvas.getContext("2d");
  context.scale(16, 16);
  for (const path of drawing.querySelectorAll("path")) {
    context.fillStyle = path.getAttribute("fill");
    context.fill(new Path2D(path.getAttribute("d")));
  }
  canvas.toBlob((picture) => {
    const file = new File([picture], save.download, { type: "image/png" });
    save.href = URL.createObjectURL(file);
    save.hidden = false;
    const shared = { files: [file] };
    share.hidden = !navigator.canShare?.(shared);
    share.onclick = () => navigator.share(shared).catch(() => {});
  }, "image/png");
}
`;

/** The content security policy of the page. */
export const PAGE_POLICY: string = [
  "default-src 'none'",
  `script-src ${contentHash(SCRIPT)}`,
  `style-src ${contentHash(STYLE)}`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Returns the HTML document. Secret. */
export function invitationPage(content: PageContent, texts: Texts): string {
  const { user, parsed, uri, address } = content;
  const name = escape(user.name);
  const steps = [
    ...parsed === undefined
      ? []
      : [section(texts.install, apps(content, parsed, texts))],
    section(
      texts.add,
      qrFigure(uri, user.name, texts) + field(texts.link, uri, texts) +
        (parsed === undefined ? "" : subscriptions(parsed, address, texts)),
    ),
    section(texts.start, `<p>${escape(texts.startHow)}</p>`),
  ];
  return `<!doctype html>
<html lang="${texts.language}" dir="${texts.direction}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${escape(texts.title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${languageLinks(texts)}
<h1>${fill(escape(texts.greeting), { name: `<bdi>${name}</bdi>` })}</h1>
<p class="warning">${escape(texts.secret)}</p>
${section(texts.account, account(content, texts))}
${steps.join("\n")}
</main>
<script>${SCRIPT}</script>
</body>
</html>
`;
}

function languageLinks(current: Texts): string {
  const links = LANGUAGES.map(({ language, name }) => {
    const here = language === current.language ? ' aria-current="true"' : "";
    return `<a href="?lang=${language}" lang="${language}" ` +
      `hreflang="${language}"${here}>${escape(name)}</a>`;
  });
  return `<nav aria-label="${escape(current.languages)}">` +
    `${links.join("")}</nav>`;
}

function account(
  { user, used, nowUnixMs }: PageContent,
  texts: Texts,
): string {
  const { expiresUnixMs } = user.limits;
  const until = expiresUnixMs === undefined
    ? undefined
    : new Intl.DateTimeFormat(texts.language, {
      dateStyle: "long",
      timeZone: "UTC",
    }).format(expiresUnixMs);
  const lines = used === undefined ? [] : traffic(used, user.limits, texts);
  if (expiresUnixMs === undefined || until === undefined) {
    lines.push(paragraph(texts.endless, {}));
  } else if (expiresUnixMs <= nowUnixMs) {
    lines.push(paragraph(texts.expired, { date: until }, "ended"));
  } else lines.push(paragraph(texts.until, { date: until }));
  return lines.join("\n");
}

function traffic(
  { bytesUp, bytesDown }: UsedBytes,
  { quotaBytes }: UserLimits,
  texts: Texts,
): string[] {
  const used = bytesUp + bytesDown;
  if (quotaBytes === undefined) {
    return [paragraph(texts.unlimited, { used: formatBytes(used) })];
  }
  if (used >= quotaBytes) return [paragraph(texts.usedUp, {}, "ended")];
  const left = quotaBytes - used;
  return [
    paragraph(texts.left, {
      left: formatBytes(left),
      quota: formatBytes(quotaBytes),
    }),
    `<progress max="${quotaBytes}" value="${left}"></progress>`,
  ];
}

function paragraph(
  text: string,
  values: Readonly<Record<string, string>>,
  kind?: string,
): string {
  const shown = Object.fromEntries(
    Object.entries(values).map(([key, value]) => [
      key,
      `<bdi>${escape(value)}</bdi>`,
    ]),
  );
  return `<p${kind === undefined ? "" : ` class="${kind}"`}>${
    fill(escape(text), shown)
  }</p>`;
}

function apps(
  { user, uri, address, agent }: PageContent,
  server: OnlineServer,
  texts: Texts,
): string {
  const access: Access = {
    link: uri,
    subscription: address,
    name: user.name,
    server,
  };
  const own = systemOf(agent);
  return SYSTEMS.map((system) => {
    const rows = APPS.filter(({ systems, speaks }) =>
      systems.includes(system) && (speaks?.(server) ?? true)
    ).map(({ name, home, open }) => {
      const label = escape(fill(texts.open, { app: name }));
      const opener = open === undefined
        ? ""
        : `<a class="open" href="${escape(open(access))}">${label}</a>`;
      return `<li><a href="${escape(home)}" rel="noreferrer"><bdi>${
        escape(name)
      }</bdi></a>${opener}</li>`;
    });
    return `<details${system === own ? " open" : ""}>` +
      `<summary><bdi>${escape(system)}</bdi></summary>` +
      `<ul>${rows.join("")}</ul></details>`;
  }).join("\n");
}

/**
 * Returns the system of the browser. Phones are matched first, because they
 * also send the names of computer systems.
 */
function systemOf(agent: string): System | undefined {
  const known: readonly (readonly [RegExp, System])[] = [
    [/Android/, "Android"],
    [/iPhone|iPad|iPod/, "iPhone, iPad"],
    [/Windows/, "Windows"],
    [/Macintosh/, "macOS"],
    [/Linux|X11/, "Linux"],
  ];
  return known.find(([pattern]) => pattern.test(agent))?.[1];
}

function qrFigure(text: string, name: string, texts: Texts): string {
  if (!fitsQr(text)) return "";
  const drawing = qrSvg(text).replace(
    "<svg ",
    `<svg role="img" aria-label="${escape(texts.code)}" `,
  );
  return `<p>${escape(texts.scan)}</p><figure>${drawing}<figcaption>` +
    `<a class="open" hidden download="${escape(name)}.png">` +
    `${escape(texts.save)}</a><button type="button" hidden>` +
    `${escape(texts.share)}</button></figcaption></figure>`;
}

function subscriptions(
  server: OnlineServer,
  address: string,
  texts: Texts,
): string {
  const others = FORMS.filter(({ holds }) => holds(server))
    .map(({ id, title }) => {
      const plain = `${address}/${id}`;
      // Outline uses its own scheme instead of https.
      const shown = id === "outline"
        ? plain.replace(/^https:/, "ssconf:")
        : plain;
      return field(title, shown, texts);
    });
  return field(texts.subscription, address, texts) +
    `<p>${escape(texts.subscriptionHow)}</p>` +
    `<details><summary>${escape(texts.otherForms)}</summary>` +
    `${others.join("")}</details>`;
}

function field(label: string, value: string, texts: Texts): string {
  return `<label>${escape(label)}<span class="field">` +
    `<input readonly value="${escape(value)}">` +
    `<button type="button" hidden data-copied="${escape(texts.copied)}">` +
    `${escape(texts.copy)}</button></span></label>`;
}

function section(heading: string, body: string): string {
  return `<section><h2>${escape(heading)}</h2>\n${body}</section>`;
}

function escape(text: string): string {
  return text.replace(
    /[&<>"']/g,
    (character) => `&#${character.charCodeAt(0)};`,
  );
}
