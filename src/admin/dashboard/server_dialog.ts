/// <reference lib="dom" />
/**
 * Adds a server to a local, by its link or by an image of the QR code.
 *
 * @module
 */
import { addUpstream } from "./api.ts";
import { attempt, toast } from "./dialogs.ts";
import { byId, field, setText, within } from "./dom.ts";
import { say } from "./language.ts";
import { readQr } from "./read_qr.ts";

/** Accepts images that are chosen, pasted or dropped. */
export function startServerDialog(): void {
  const dialog = byId("add-server", HTMLDialogElement);
  const form = within(dialog, "form", HTMLFormElement);
  const take = (files: FileList | null | undefined): boolean => {
    const file = files?.[0];
    if (file === undefined) return false;
    void attempt(dialog, async () => {
      field(form, "link").value = await readQr(file);
    });
    return true;
  };
  field(form, "image").onchange = () => take(field(form, "image").files);
  dialog.onpaste = (event) => {
    if (take(event.clipboardData?.files)) event.preventDefault();
  };
  dialog.ondragover = (event) => event.preventDefault();
  dialog.ondrop = (event) => {
    event.preventDefault();
    take(event.dataTransfer?.files);
  };
  // Secrets must not stay in the page.
  dialog.onclose = () => form.reset();
}

/**
 * Asks for the link.
 *
 * @param refresh Fetches the status again.
 */
export function askNewServer(refresh: () => Promise<void>): void {
  const dialog = byId("add-server", HTMLDialogElement);
  const form = within(dialog, "form", HTMLFormElement);
  form.reset();
  setText(within(dialog, ".error", HTMLElement), "");
  form.onsubmit = async (event) => {
    event.preventDefault();
    let name = "";
    const added = await attempt(dialog, async () => {
      name = await addUpstream(field(form, "link").value.trim());
    });
    if (!added) return;
    dialog.close();
    toast(say("server-added", { name }));
    await refresh();
  };
  dialog.showModal();
}
