/// <reference lib="dom" />
/**
 * The common parts of all dialogs, and the dialogs that only ask a question.
 *
 * @module
 */
import type { ReloadReport } from "../operator.ts";
import { foldChanges } from "../reload_lines.ts";
import { reload, setToken } from "./api.ts";
import { byId, field, make, setText, within } from "./dom.ts";
import { say } from "./language.ts";

/** Milliseconds for which a notice is shown. */
const TOAST_MS = 4_000;

let toastTimer: ReturnType<typeof setTimeout> | undefined;

/** Shows a message that needs no answer. */
export function toast(text: string): void {
  const element = byId("toast", HTMLElement);
  setText(element, text);
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => setText(element, ""), TOAST_MS);
}

/** True if a dialog is open; shortcuts are then disabled. */
export function isOpen(): boolean {
  return document.querySelector("dialog[open]") !== null;
}

/** Lets every button with `value="close"` close its dialog. */
export function startDialogs(): void {
  for (
    const button of document.querySelectorAll<HTMLElement>("[value=close]")
  ) button.onclick = () => button.closest("dialog")!.close();
  // The page cannot be used without a token.
  byId("login", HTMLDialogElement).oncancel = (event) => event.preventDefault();
  for (
    const button of document.querySelectorAll<HTMLElement>("[data-copy]")
  ) {
    button.onclick = () =>
      copy(field(button.closest("form")!, button.dataset.copy!));
  }
}

/**
 * Runs a request of a dialog; the dialog shows an error.
 *
 * @returns True on success.
 */
export async function attempt(
  dialog: HTMLDialogElement,
  work: () => Promise<void>,
): Promise<boolean> {
  const error = within(dialog, ".error", HTMLElement);
  const buttons = dialog.querySelectorAll("button");
  setText(error, "");
  for (const button of buttons) button.disabled = true;
  try {
    await work();
    return true;
  } catch (reason) {
    setText(error, reason instanceof Error ? reason.message : String(reason));
    return false;
  } finally {
    for (const button of buttons) button.disabled = false;
  }
}

/** Asks for the token, unless the dialog is already open. */
export function askToken(wasWrong: boolean): void {
  const dialog = byId("login", HTMLDialogElement);
  if (dialog.open) return;
  const form = within(dialog, "form", HTMLFormElement);
  form.reset();
  setText(
    within(dialog, ".error", HTMLElement),
    wasWrong ? say("login-wrong") : "",
  );
  dialog.onclose = () => setToken(field(form, "token").value);
  dialog.showModal();
}

/** Runs the action of a button, and shows an error. */
export async function act(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    toast((error as Error).message);
  }
}

/** A question with one confirming button. */
export interface Question {
  readonly title: string;
  readonly note: string;
  /** Lines that describe the effect. */
  readonly changes?: readonly string[];
  /** Label of the button; not set if there is nothing to confirm. */
  readonly yes?: string;
  /** True if the action cannot be undone. */
  readonly danger?: boolean;
}

/**
 * Asks for confirmation of an action.
 *
 * @param work The action; the dialog closes after success.
 */
export function confirm(question: Question, work: () => Promise<void>): void {
  const dialog = byId("confirm", HTMLDialogElement);
  const yes = within(dialog, "button.primary", HTMLButtonElement);
  const no = within(dialog, "[value=close]", HTMLButtonElement);
  setText(within(dialog, "h2", HTMLElement), question.title);
  setText(within(dialog, ".note", HTMLElement), question.note);
  setText(within(dialog, ".error", HTMLElement), "");
  within(dialog, ".changes", HTMLElement).replaceChildren(
    ...(question.changes ?? []).map((line) => make("li", "", line)),
  );
  yes.hidden = question.yes === undefined;
  yes.classList.toggle("danger", question.danger === true);
  setText(yes, question.yes ?? "");
  setText(no, question.yes === undefined ? say("close") : say("cancel"));
  within(dialog, "form", HTMLFormElement).onsubmit = async (event) => {
    event.preventDefault();
    if (await attempt(dialog, work)) dialog.close();
  };
  dialog.showModal();
  if (question.danger) no.focus();
}

/**
 * Shows what a reload would change, and reloads on confirmation.
 *
 * @param users Number of users.
 */
export async function askReload(users: number): Promise<void> {
  let report: ReloadReport;
  try {
    report = await reload(true);
  } catch (error) {
    const note = (error as Error).message;
    confirm({ title: say("reload-broken"), note }, nothing);
    return;
  }
  const { changes, warnings } = report;
  const lines = [
    ...warnings.map((text) => say("reload-warning", { text })),
    ...foldChanges(changes, users),
  ];
  if (changes.length === 0) {
    confirm({
      title: say("reload-nothing"),
      note: say("reload-nothing-note"),
      changes: lines,
    }, nothing);
    return;
  }
  confirm({
    title: say("reload-title"),
    note: say("reload-note"),
    changes: lines,
    yes: say("reload-apply"),
  }, async () => {
    await reload(false);
    toast(say("reload-done"));
  });
}

/** Copies a text. A page without a secure context has no clipboard API. */
async function copy(input: HTMLInputElement): Promise<void> {
  input.select();
  try {
    if (!isSecureContext) throw new Error("no clipboard");
    await navigator.clipboard.writeText(input.value);
    toast(say("copied"));
  } catch {
    toast(say("selected"));
  }
}

function nothing(): Promise<void> {
  return Promise.resolve();
}
