/**
 * Answers of the operator's port.
 *
 * @module
 */

/** Returns a value as JSON. */
export function json(value: unknown, status = 200): Response {
  return new Response(JSON.stringify(value), {
    status,
    headers: { "content-type": "application/json; charset=utf-8" },
  });
}

/** Returns text for people or Prometheus. */
export function text(
  body: string,
  type = "text/plain; charset=utf-8",
  status = 200,
): Response {
  return new Response(body, { status, headers: { "content-type": type } });
}

/** Returns a success without content. */
export function done(): Response {
  return new Response(null, { status: 204 });
}

/**
 * Returns a refusal in the form of the management API: `{"error": …}`.
 *
 * @param message One sentence for a person, without secrets.
 * @param code Stable identifier, if there is one.
 */
export function failure(
  status: number,
  message: string,
  code?: string,
): Response {
  return json({ error: message, ...(code && { code }) }, status);
}

/** Returns a refusal with additional headers. */
export function failureWith(
  status: number,
  message: string,
  headers: Readonly<Record<string, string>>,
): Response {
  const response = failure(status, message);
  for (const [name, value] of Object.entries(headers)) {
    response.headers.set(name, value);
  }
  return response;
}
