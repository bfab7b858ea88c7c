/** The one way to the server: JSON in and out, the session's cookie, the CSRF header, problems as errors. */

export type FieldProblem = { field: string; code: string; message?: string; limit?: unknown };

export class ApiProblem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly title: string,
    readonly fields: FieldProblem[],
    readonly data: Record<string, unknown>,
    readonly requestId: string | null,
  ) {
    super(title);
  }
}

type Query = Record<string, string | number | boolean | null | undefined>;
type Options = { query?: Query; body?: unknown; form?: FormData; signal?: AbortSignal; quiet?: boolean };

let csrfToken: string | null = null;
let onSignedOut: () => void = () => undefined;

export const setCsrfToken = (token: string | null): void => {
  csrfToken = token;
};
export const setOnSignedOut = (tell: () => void): void => {
  onSignedOut = tell;
};

export const addressOf = (path: string, query: Query = {}): string => {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") search.set(name, String(value));
  }
  const text = search.toString();
  return text ? `${path}?${text}` : path;
};

export async function call<T>(method: string, path: string, options: Options = {}): Promise<T> {
  const response = await reach(method, path, options);
  if (response.status === 204) return undefined as T;
  const text = await response.text();
  const data: unknown = parse(text);
  if (response.ok) return data as T;
  const problem = problemOf(response, data);
  if (problem.status === 401 && problem.code === "unauthenticated" && !options.quiet) onSignedOut();
  throw problem;
}

async function reach(method: string, path: string, options: Options): Promise<Response> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET" && csrfToken) headers["X-CSRF-Token"] = csrfToken;
  try {
    return await fetch(addressOf(path, options.query), {
      method,
      headers,
      credentials: "same-origin",
      body: options.form ?? (options.body === undefined ? null : JSON.stringify(options.body)),
      signal: options.signal ?? null,
    });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new ApiProblem(0, "unreachable", "", [], {}, null);
  }
}

function parse(text: string): unknown {
  try {
    return text ? JSON.parse(text) : undefined;
  } catch {
    return text;
  }
}

function problemOf(response: Response, data: unknown): ApiProblem {
  const body = (typeof data === "object" && data !== null ? data : {}) as Record<string, unknown>;
  const nested = (body.error as { message?: string } | undefined)?.message;
  const code = typeof body.code === "string" ? body.code : `http_${response.status}`;
  const title = typeof body.title === "string" ? body.title : (nested ?? response.statusText);
  const fields = Array.isArray(body.errors) ? (body.errors as FieldProblem[]) : [];
  const retryAfter = response.headers.get("Retry-After");
  const extra = retryAfter ? { ...body, retry_after: Number(retryAfter) } : body;
  const id = response.headers.get("X-Request-Id") ?? (typeof body.request_id === "string" ? body.request_id : null);
  return new ApiProblem(response.status, code, title, fields, extra, id);
}

export const get = <T>(path: string, query?: Query, signal?: AbortSignal) =>
  call<T>("GET", path, { ...(query && { query }), ...(signal && { signal }) });
export const post = <T>(path: string, body?: unknown) => call<T>("POST", path, { body: body ?? {} });
export const put = <T>(path: string, body: unknown) => call<T>("PUT", path, { body });
export const patch = <T>(path: string, body: unknown) => call<T>("PATCH", path, { body });
export const remove = <T>(path: string) => call<T>("DELETE", path);
export const upload = <T>(path: string, form: FormData) => call<T>("POST", path, { form });

export type Page<T> = { items: T[]; next_cursor?: string | null };
