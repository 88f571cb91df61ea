/**
 * Finds the end of an HTTP head, and formats HTTP dates.
 *
 * Source: RFC 9112 §2.1; RFC 9110 §5.6.7.
 *
 * @module
 */

/**
 * Finds the end of the first blank line.
 *
 * @param from The number of bytes that were searched before.
 * @returns The offset after it, or `undefined`.
 */
export function headEnd(bytes: Uint8Array, from: number): number | undefined {
  for (let i = Math.max(3, from); i < bytes.length; i++) {
    if (
      bytes[i] === 0x0a && bytes[i - 1] === 0x0d && bytes[i - 2] === 0x0a &&
      bytes[i - 3] === 0x0d
    ) return i + 1;
  }
  return undefined;
}

const DAYS = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/**
 * Formats a date for HTTP, `Tue, 14 Nov 2023 22:13:20 GMT`.
 *
 * @param unixMs Milliseconds since 1970.
 */
export function httpDate(unixMs: number): string {
  const seconds = Math.floor(unixMs / 1_000);
  const days = Math.floor(seconds / 86_400);
  // In years that start in March, the leap day comes last.
  const sinceMarch = days + 719_468;
  const era = Math.floor(sinceMarch / 146_097);
  const dayOfEra = sinceMarch - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) -
    Math.floor(yearOfEra / 100));
  const fromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * fromMarch + 2) / 5) + 1;
  const month = (fromMarch + 2) % 12;
  const year = era * 400 + yearOfEra + (month < 2 ? 1 : 0);
  const time = [
    Math.floor(seconds / 3_600) % 24,
    Math.floor(seconds / 60) % 60,
    seconds % 60,
  ];
  return `${DAYS[days % 7]}, ${pad(day)} ${MONTHS[month]} ${year} ` +
    `${time.map(pad).join(":")} GMT`;
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}
