/// <reference lib="dom" />
/**
 * A QR code as a picture that every chat and every phone shows: drawings of SVG
 * are files to them.
 *
 * @module
 */

/** Pixels of each side: sharp on a phone, and less than 50 KB. */
const SIDE = 1_024;

/** The address of a drawing. As an image it can neither run scripts nor load anything. */
export function drawingAddress(svg: string): string {
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

/**
 * Draws it as PNG.
 *
 * @returns `undefined` when this browser cannot.
 */
export async function qrPicture(svg: string): Promise<Blob | undefined> {
  const image = new Image();
  // Some browsers draw nothing that has no size of its own.
  image.src = drawingAddress(
    svg.replace("<svg ", `<svg width="${SIDE}" height="${SIDE}" `),
  );
  try {
    await image.decode();
  } catch {
    return undefined;
  }
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE;
  const context = canvas.getContext("2d");
  if (context === null) return undefined;
  context.drawImage(image, 0, 0, SIDE, SIDE);
  return await new Promise((resolve) =>
    canvas.toBlob((picture) => resolve(picture ?? undefined), "image/png")
  );
}
