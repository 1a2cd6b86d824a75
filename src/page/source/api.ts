// Questions to the server. Every fault is a ServerFault, or Unreachable where no answer came.

import type { Fault } from "../types";
import { type Blocks, readBlocks } from "./core/blocks";

export class ServerFault extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly detail: unknown,
    readonly retryAfter: number,
  ) {
    super(message);
  }
}

/** No answer: the tunnel is down, or the server is. */
export class Unreachable extends Error {}

async function ask(path: string, options: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, { credentials: "same-origin", ...options });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Unreachable("the server does not answer");
  }
  if (response.ok) return response;
  const retry = Number(response.headers.get("Retry-After") ?? 1);
  let fault: Fault = { error: "failed", message: `the server answers ${response.status}` };
  try {
    fault = { ...fault, ...((await response.json()) as Fault) };
  } catch {
    // not ours: a proxy's page
  }
  if ([502, 504].includes(response.status)) throw new Unreachable(fault.message);
  throw new ServerFault(response.status, fault.error, fault.message, fault.detail, retry);
}

export async function get<Answer>(path: string, signal?: AbortSignal): Promise<Answer> {
  return (await ask(path, { signal: signal ?? null })).json() as Promise<Answer>;
}

export async function post<Answer>(path: string, body: unknown): Promise<Answer> {
  const response = await ask(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  return (response.status === 204 ? undefined : await response.json()) as Answer;
}

export async function getBlocks<Head>(path: string, signal?: AbortSignal): Promise<Blocks<Head>> {
  return readBlocks<Head>(await (await ask(path, { signal: signal ?? null })).arrayBuffer());
}

/** Asks again while the server is still reading (`not_ready`, `busy`); `wait` is told how far it has come. */
export async function patiently<Answer>(
  question: () => Promise<Answer>,
  wait?: (done: number | null) => void,
  signal?: AbortSignal,
): Promise<Answer> {
  for (;;) {
    try {
      return await question();
    } catch (error) {
      if (!(error instanceof ServerFault) || error.status !== 503) throw error;
      wait?.((error.detail as { done?: number } | undefined)?.done ?? null);
      await new Promise((go) => setTimeout(go, 1000 * Math.min(Math.max(error.retryAfter, 0.2), 5)));
      signal?.throwIfAborted();
    }
  }
}

export const part = encodeURIComponent;

export function query(values: Record<string, string | number | null | undefined>): string {
  const known = Object.entries(values).filter(([, value]) => value !== null && value !== undefined);
  return known.map(([key, value]) => `${key}=${part(String(value))}`).join("&");
}

export const stillUrl = (video: string, frame: number, size: "full" | "half" | "thumb", v: string): string =>
  `/api/videos/${part(video)}/still?${query({ frame, size, v })}`;
