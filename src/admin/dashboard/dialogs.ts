/// <reference lib="dom" />
/**
 * What all dialogs have in common, and the ones that only ask.
 *
 * @module
 */
import type { ReloadReport } from "../operator.ts";
import { foldChanges } from "../reload_lines.ts";
import { reload, setToken } from "./api.ts";
import { byId, field, make, setText, within } from "./dom.ts";
import { say } from "./language.ts";

/** Milliseconds a notice is shown. */
const TOAST_MS = 4_000;

let toastTimer: ReturnType<typeof setTimeout> | undefined;

/** Shows a message that needs no answer. */
export function toast(text: string): void {
  const element = byId("toast", HTMLElement);
  setText(element, text);
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => setText(element, ""), TOAST_MS);
}

/** True if a dialog is open: shortcuts are for the page then. */
export function isOpen(): boolean {
  return document.querySelector("dialog[open]") !== null;
}

/** Lets every button of `value="close"` close its dialog. */
export function startDialogs(): void {
  for (
    const button of document.querySelectorAll<HTMLElement>("[value=close]")
  ) button.onclick = () => button.closest("dialog")!.close();
  // There is no page without a token.
  byId("login", HTMLDialogElement).oncancel = (event) => event.preventDefault();
  for (
    const button of document.querySelectorAll<HTMLElement>("[data-copy]")
  ) {
    button.onclick = () =>
      copy(field(button.closest("form")!, button.dataset.copy!));
  }
}

/**
 * Runs a request of a dialog; the dialog shows what goes wrong.
 *
 * @returns True if it went well.
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

/** Asks for the token, unless it is being asked for already. */
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

/** A question with one way to say yes. */
export interface Question {
  readonly title: string;
  readonly note: string;
  /** The lines that say what will happen. */
  readonly changes?: readonly string[];
  /** Words on the button; not set: there is nothing to do. */
  readonly yes?: string;
  /** True if it cannot be undone. */
  readonly danger?: boolean;
}

/**
 * Asks before something is done.
 *
 * @param work Runs on yes; the dialog closes when it went well.
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
 * Shows what a reload would change, and does it on yes.
 *
 * @param users How many there are.
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

/** Copies a text; a page without a secure context has no clipboard. */
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
