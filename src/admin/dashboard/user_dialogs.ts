/// <reference lib="dom" />
/**
 * Adding a user, and everything there is to see and do of one.
 *
 * @module
 */
import type { Status, UserStatus } from "../operator.ts";
import { formatAgo, formatBytes, formatCount } from "../units.ts";
import { addUser, changeUser, getAccess, removeUser } from "./api.ts";
import { attempt, confirm, toast } from "./dialogs.ts";
import { byId, field, make, setText, within } from "./dom.ts";
import { placeLimits, readLimits, writeLimits } from "./limits_form.ts";
import type { UserRow } from "../user_rows.ts";

/** Puts the forms together. */
export function startUserDialogs(): void {
  placeLimits(byId("add-user", HTMLDialogElement));
  placeLimits(byId("user", HTMLDialogElement));
}

/**
 * Asks who the new user is.
 *
 * @param refresh Looks at the server again and returns the row of a key.
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
    toast(`${name} is added.`);
    const row = await refresh(server, name);
    if (row !== undefined) showUser(row, status, true);
  };
  dialog.showModal();
}

/**
 * Shows a user.
 *
 * @param status Its clock, and whether changes outlive the program.
 * @param reveal Whether to show at once how to connect.
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
    NOTES[user.origin] +
      (user.origin === "api" || keepsUsers
        ? ""
        : " Without a store that is forgotten when the program ends."),
  );
  setText(within(form, ".error", HTMLElement), "");
  showFacts(within(form, "dl.facts", HTMLElement), row, nowUnixMs);
  writeLimits(form, user.limits);
  hideAccess(form);
  button(".reveal").onclick = () =>
    attempt(dialog, () => showAccess(form, server, user.name));
  setText(button(".toggle"), user.disabled ? "Enable" : "Disable");
  button(".toggle").onclick = () =>
    change(dialog, row, { disabled: !user.disabled });
  button(".remove").onclick = () => askRemove(dialog, row);
  form.onsubmit = (event) => {
    event.preventDefault();
    change(dialog, row, { limits: readLimits(form, user.limits) });
  };
  // Secrets do not stay in the page.
  dialog.onclose = () => hideAccess(form);
  dialog.showModal();
  if (reveal) button(".reveal").click();
}

/** Where a user comes from, and what that means for changes. */
const NOTES: Readonly<Record<UserStatus["origin"], string>> = {
  file: "From the configuration file. What you change here holds over it.",
  api: "",
  changed:
    "From the configuration file, and changed here, which holds over it.",
  fleet: "Of the fleet: to be changed with `umbra fleet user`.",
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
  toast(`${user.name} is changed.`);
}

function askRemove(dialog: HTMLDialogElement, { server, user }: UserRow): void {
  const { open } = user.usage;
  confirm({
    title: `Remove ${user.name}?`,
    note: `The key stops working at once${
      open === 0 ? "" : `, ${formatCount(open)} open connections end`
    }, and the counts are forgotten.`,
    yes: "Remove",
    danger: true,
  }, async () => {
    await removeUser(server, user.name);
    dialog.close();
    toast(`${user.name} is removed.`);
  });
}

async function showAccess(
  form: HTMLFormElement,
  server: string,
  name: string,
): Promise<void> {
  const { uri, sip008, qr } = await getAccess(server, name);
  const image = within(form, ".qr", HTMLImageElement);
  image.hidden = qr === undefined;
  if (qr !== undefined) {
    // As an image, the document can neither run nor load anything.
    image.src = `data:image/svg+xml,${encodeURIComponent(qr)}`;
    image.alt = `QR code of the URI of ${name}`;
    const save = within(form, ".save-qr", HTMLAnchorElement);
    save.href = image.src;
    save.download = `${name}.svg`;
  }
  within(form, "figure", HTMLElement).hidden = qr === undefined;
  const share = within(form, ".share", HTMLButtonElement);
  // Only phones, and only over a secure connection, have somebody to share with.
  share.hidden = !("share" in navigator);
  share.onclick = () =>
    navigator.share({ title: name, text: uri }).catch(() => {
      // Whoever shares may think better of it.
    });
  field(form, "uri").value = uri;
  const subscription = field(form, "sip008");
  within(form, "label:has([name=sip008])", HTMLElement).hidden =
    sip008 === undefined;
  subscription.value = sip008 === undefined ? "" : location.origin + sip008;
  within(form, ".reveal", HTMLElement).hidden = true;
  within(form, ".revealed", HTMLElement).hidden = false;
}

function hideAccess(form: HTMLFormElement): void {
  within(form, ".qr", HTMLImageElement).removeAttribute("src");
  within(form, ".save-qr", HTMLAnchorElement).removeAttribute("href");
  field(form, "uri").value = "";
  field(form, "sip008").value = "";
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
    ["State", state],
    ["Last seen", formatAgo(usage.lastSeenUnixMs, nowUnixMs)],
    ["Down", formatBytes(usage.bytesDown)],
    ["Up", formatBytes(usage.bytesUp)],
    ["Connections", formatCount(usage.connections)],
    ["Datagrams", formatCount(usage.packetsUp + usage.packetsDown)],
    ["Devices", usage.hosts.join(", ") || "none", true],
  ];
  list.replaceChildren(
    ...facts.flatMap(([term, text, wide]) => [
      make("dt", "", term),
      make("dd", wide ? "wide" : "", text),
    ]),
  );
}
