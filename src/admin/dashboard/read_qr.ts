/// <reference lib="dom" />
/**
 * Reads the QR code of an image. Browsers have a reader of their own on phones
 * and Macs only, so the page brings one.
 *
 * @module
 */
import { decodeQR } from "qr/decode.js";
import { say } from "./language.ts";

/** Pixels of the longer side that is looked at: photographs have many more. */
const MAX_SIDE = 1_200;

/**
 * The text of the code.
 *
 * @throws {Error} In words for people, when there is none.
 */
export async function readQr(file: Blob): Promise<string> {
  const image = await pixelsOf(file);
  try {
    return decodeQR(image);
  } catch {
    throw new Error(say("server-image-none"));
  }
}

async function pixelsOf(file: Blob): Promise<ImageData> {
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new Error(say("server-image-bad"));
  });
  const { width, height } = bitmap;
  const scale = Math.min(1, MAX_SIDE / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d")!;
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return context.getImageData(0, 0, canvas.width, canvas.height);
}
