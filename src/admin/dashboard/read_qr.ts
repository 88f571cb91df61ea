/// <reference lib="dom" />
/**
 * Reads the QR code in an image. Browsers have a reader only on phones and
 * Macs, so the page has its own.
 *
 * @module
 */
import { decodeQR } from "qr/decode.js";
import { say } from "./language.ts";

/** Maximum length of the longer side in pixels; photographs are scaled down. */
const MAX_SIDE = 1_200;

/**
 * Returns the text of the code.
 *
 * @throws {Error} With a message for people if the image has no code.
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
