/**
 * Answers of the operator's port.
 *
 * @module
 */

/** A value as JSON. */
export function json(value: unknown, status = 200): Response {
  return new Response(JSON.stringify(value), {
    status,
    headers: { "content-type": "application/json; charset=utf-8" },
  });
}

/** Text for people, or for Prometheus. */
export function text(
  body: string,
  type = "text/plain; charset=utf-8",
  status = 200,
): Response {
  return new Response(body, { status, headers: { "content-type": type } });
}

/** Done, and there is nothing to say. */
export function done(): Response {
  return new Response(null, { status: 204 });
}

/**
 * A refusal, in the form of the management API: `{"error": …}`.
 *
 * @param message One sentence for a person, without secrets.
 * @param code Stable identifier, where there is one.
 */
export function failure(
  status: number,
  message: string,
  code?: string,
): Response {
  return json({ error: message, ...(code && { code }) }, status);
}

/** Refuses with headers of its own. */
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
