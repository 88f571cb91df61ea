/// <reference lib="dom" />
/**
 * Converts QR codes to PNG, which every chat app and phone shows as a picture;
 * SVG would be shown as a file.
 *
 * @module
 */

/** Width and height in pixels: sharp on a phone, and less than 50 KB. */
const SIDE = 1_024;

/**
 * Returns the address of an SVG document. As an image it can neither run
 * scripts nor load anything.
 */
export function drawingAddress(svg: string): string {
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

/**
 * Converts an SVG document to PNG.
 *
 * @returns `undefined` if the browser cannot do it.
 */
export async function qrPicture(svg: string): Promise<Blob | undefined> {
  const image = new Image();
  // Some browsers do not draw an image without width and height.
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
