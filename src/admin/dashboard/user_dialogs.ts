/// <reference lib="dom" />
/**
 * The dialogs to add a user, and to show and change one.
 *
 * @module
 */
import type { Status } from "../operator.ts";
import { formatAgo, formatBytes, formatCount } from "../units.ts";
import { addUser, changeUser, getAccess, removeUser } from "./api.ts";
import { attempt, confirm, toast } from "./dialogs.ts";
import type { TextKey } from "../texts/say.ts";
import { byId, field, make, setText, within } from "./dom.ts";
import { say } from "./language.ts";
import { drawingAddress, qrPicture } from "./qr_picture.ts";
import { placeLimits, readLimits, writeLimits } from "./limits_form.ts";
import { STATES, type UserRow } from "../user_rows.ts";

/** Assembles the forms. */
export function startUserDialogs(): void {
  placeLimits(byId("add-user", HTMLDialogElement));
  placeLimits(byId("user", HTMLDialogElement));
}

/**
 * Asks for a new user.
 *
 * @param refresh Fetches the status again and returns the row of a key.
 */
export function askNewUser(
  status: Status,
  refresh: (server: string, name: string) => Promise<UserRow | undefined>,
): void {
  const { servers } = status;
  const dialog = byId("add-user", HTMLDialogElement);
  const form = within(dialog, "form", HTMLFormElement);
  const choice = within(form, "select", HTMLSelectElement);
  form.reset();
  setText(within(dialog, ".error", HTMLElement), "");
  choice.replaceChildren(
    ...servers.map(({ id, address, method }) =>
      new Option(`${address}, ${method}`, id)
    ),
  );
  within(form, "label.server", HTMLElement).hidden = servers.length < 2;
  form.onsubmit = async (event) => {
    event.preventDefault();
    const server = choice.value;
    const name = field(form, "name").value;
    const password = field(form, "password").value;
    const limits = readLimits(form, {});
    const added = await attempt(
      dialog,
      () =>
        addUser(server, { name, limits, ...password !== "" && { password } }),
    );
    if (!added) return;
    dialog.close();
    toast(say("user-added", { name }));
    const row = await refresh(server, name);
    if (row !== undefined) showUser(row, status, true);
  };
  dialog.showModal();
}

/**
 * Shows a user.
 *
 * @param status The status, for its clock and to know if changes survive a
 * restart.
 * @param reveal True to show the access data at once.
 */
export function showUser(
  row: UserRow,
  { nowUnixMs, keepsUsers }: Pick<Status, "nowUnixMs" | "keepsUsers">,
  reveal = false,
): void {
  const { server, user } = row;
  const dialog = byId("user", HTMLDialogElement);
  const form = within(dialog, "form", HTMLFormElement);
  const button = (selector: string): HTMLButtonElement =>
    within(form, selector, HTMLButtonElement);
  setText(within(form, "h2", HTMLElement), user.name);
  setText(
    within(form, ".note", HTMLElement),
    [
      ...user.origin === "api" ? [] : [say(NOTES[user.origin])],
      ...user.origin === "api" || user.origin === "fleet" || keepsUsers
        ? []
        : [say("user-not-kept")],
    ].join(" "),
  );
  setText(within(form, ".error", HTMLElement), "");
  showFacts(within(form, "dl.facts", HTMLElement), row, nowUnixMs);
  writeLimits(form, user.limits);
  hideAccess(form);
  const closed = new AbortController();
  button(".reveal").onclick = () =>
    attempt(
      dialog,
      () => showAccess(form, server, user.name, closed.signal),
    );
  setText(button(".toggle"), say(user.disabled ? "enable" : "disable"));
  button(".toggle").onclick = () =>
    change(dialog, row, { disabled: !user.disabled });
  button(".remove").onclick = () => askRemove(dialog, row);
  form.onsubmit = (event) => {
    event.preventDefault();
    change(dialog, row, { limits: readLimits(form, user.limits) });
  };
  // Secrets must not stay in the page.
  dialog.onclose = () => {
    closed.abort();
    hideAccess(form);
  };
  dialog.showModal();
  if (reveal) button(".reveal").click();
}

/** Texts about the origin of a user, and its meaning for changes. */
const NOTES: Readonly<Record<"file" | "changed" | "fleet", TextKey>> = {
  file: "user-origin-file",
  changed: "user-origin-changed",
  fleet: "user-origin-fleet",
};

async function change(
  dialog: HTMLDialogElement,
  { server, user }: UserRow,
  what: Parameters<typeof changeUser>[2],
): Promise<void> {
  const done = await attempt(
    dialog,
    () => changeUser(server, user.name, what),
  );
  if (!done) return;
  dialog.close();
  toast(say("user-changed", { name: user.name }));
}

function askRemove(dialog: HTMLDialogElement, { server, user }: UserRow): void {
  const { open } = user.usage;
  confirm({
    title: say("user-remove-title", { name: user.name }),
    note: say("user-remove-note", { count: formatCount(open) }),
    yes: say("remove"),
    danger: true,
  }, async () => {
    await removeUser(server, user.name);
    dialog.close();
    toast(say("user-removed", { name: user.name }));
  });
}

/**
 * @param closed Aborted when the dialog is closed, which may then show another
 * user.
 */
async function showAccess(
  form: HTMLFormElement,
  server: string,
  name: string,
  closed: AbortSignal,
): Promise<void> {
  const { uri, sip008, invite, qr } = await getAccess(server, name);
  const picture = qr === undefined ? undefined : await qrPicture(qr);
  if (closed.aborted) return;
  showQr(form, name, qr, picture);
  const share = within(form, ".share", HTMLButtonElement);
  // Only phones can share, and only over a secure connection.
  share.hidden = !("share" in navigator);
  share.onclick = () =>
    navigator.share(shared(name, invite ?? uri, picture)).catch(() => {
      // The user may cancel the sharing.
    });
  field(form, "uri").value = uri;
  showSecret(form, "invite", invite);
  showSecret(form, "sip008", sip008 && location.origin + sip008);
  within(form, ".reveal", HTMLElement).hidden = true;
  within(form, ".revealed", HTMLElement).hidden = false;
}

/**
 * @param picture The QR code as PNG; not set if the browser cannot make one.
 */
function showQr(
  form: HTMLFormElement,
  name: string,
  qr: string | undefined,
  picture: Blob | undefined,
): void {
  const image = within(form, ".qr", HTMLImageElement);
  image.hidden = qr === undefined;
  if (qr !== undefined) {
    image.src = drawingAddress(qr);
    image.alt = say("access-qr", { name });
  }
  const save = within(form, ".save-qr", HTMLAnchorElement);
  save.hidden = picture === undefined;
  if (picture !== undefined) {
    save.href = URL.createObjectURL(picture);
    save.download = `${name}.png`;
  }
  within(form, "figure", HTMLElement).hidden = qr === undefined;
}

/**
 * Returns the data to share: the text, and the picture if the system can share
 * files.
 */
function shared(
  name: string,
  text: string,
  picture: Blob | undefined,
): ShareData {
  if (picture === undefined) return { title: name, text };
  const { type } = picture;
  const files = [new File([picture], `${name}.png`, { type })];
  const all = { title: name, text, files };
  return navigator.canShare?.(all) ? all : { title: name, text };
}

/** @param value The value; not set if there is none. */
function showSecret(
  form: HTMLFormElement,
  name: string,
  value: string | undefined,
): void {
  within(form, `label:has([name=${name}])`, HTMLElement).hidden =
    value === undefined;
  field(form, name).value = value ?? "";
}

function hideAccess(form: HTMLFormElement): void {
  within(form, ".qr", HTMLImageElement).removeAttribute("src");
  const save = within(form, ".save-qr", HTMLAnchorElement);
  URL.revokeObjectURL(save.href);
  save.removeAttribute("href");
  field(form, "uri").value = "";
  field(form, "sip008").value = "";
  field(form, "invite").value = "";
  within(form, ".reveal", HTMLElement).hidden = false;
  within(form, ".revealed", HTMLElement).hidden = true;
}

function showFacts(
  list: HTMLElement,
  { user, state }: UserRow,
  nowUnixMs: number,
): void {
  const { usage } = user;
  const facts: [string, string, boolean?][] = [
    [say("column-state"), say(STATES[state])],
    [say("column-seen"), formatAgo(usage.lastSeenUnixMs, nowUnixMs, say)],
    [say("down"), formatBytes(usage.bytesDown)],
    [say("up"), formatBytes(usage.bytesUp)],
    [say("connections"), formatCount(usage.connections)],
    [
      say("fact-datagrams"),
      formatCount(usage.packetsUp + usage.packetsDown),
    ],
    [say("column-devices"), usage.hosts.join(", ") || say("none"), true],
  ];
  list.replaceChildren(
    ...facts.flatMap(([term, text, wide]) => [
      make("dt", "", term),
      make("dd", wide ? "wide" : "", text),
    ]),
  );
}
