// What all views share: who one is, whether the server is there, what it tells of.

import { computed, signal } from "@preact/signals";
import type { Presence, ServerEvent, Session } from "../../types";
import { get, post, ServerFault } from "../api";

export const session = signal<Session | null>(null);
export const connection = signal<"connecting" | "open" | "down" | "signed-out">("connecting");
export const people = signal<Presence[]>([]);
/** Raised when a list is to be asked for anew. */
export const recordingsVersion = signal(0);
export const runVersion = signal(0);
export const networksVersion = signal(0);
/** Last words of the status bar: what was done, or why not. */
export const news = signal<{ text: string; isBad: boolean } | null>(null);

const AUTHOR = "poseflow.author";
const chosen = signal<string | null>(readChosen());
export const author = computed(() => chosen.value ?? session.value?.author ?? "unknown");
export const readOnly = computed(() => session.value?.read_only ?? true);

function readChosen(): string | null {
  try {
    return localStorage.getItem(AUTHOR);
  } catch {
    return null;
  }
}

export function chooseAuthor(name: string): void {
  const own = name.trim().slice(0, 200);
  chosen.value = own || null;
  try {
    if (own) localStorage.setItem(AUTHOR, own);
    else localStorage.removeItem(AUTHOR);
  } catch {
    // a browser that keeps nothing
  }
}

export function tell(text: string, isBad = false): void {
  news.value = { text, isBad };
}

/** Says what went wrong; what is no fault of server or network is one of ours, and goes on. */
export function tellFault(error: unknown): void {
  if (error instanceof DOMException && error.name === "AbortError") return;
  tell(error instanceof Error ? error.message : String(error), true);
}

type Listener = (event: ServerEvent) => void;
const listeners = new Set<Listener>();

export function listen(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

let client = "";
export const isMe = (one: Presence): boolean => one.client === client;

let source: EventSource | null = null;

/** Hears events for as long as the page is open; `back` is called when the server is there again. */
export function hear(back: () => void): void {
  source?.close();
  source = new EventSource("/api/events");
  source.onopen = () => {
    const wasDown = connection.peek() === "down";
    connection.value = "open";
    if (wasDown) back();
  };
  source.onerror = () => {
    connection.value = "down";
    // The browser tries again by itself, save where the server answered with an error.
    if (source?.readyState === EventSource.CLOSED) setTimeout(() => void knock(back), 1000);
  };
  source.onmessage = ({ data }) => take(JSON.parse(data as string) as ServerEvent);
}

async function knock(back: () => void): Promise<void> {
  try {
    await get<Session>("/api/session");
    hear(back);
    back();
  } catch (error) {
    if (error instanceof ServerFault && error.status === 401) connection.value = "signed-out";
    else setTimeout(() => void knock(back), 2000);
  }
}

function take(event: ServerEvent): void {
  if (event.type === "hello") {
    client = event.client;
    sayWhere(place);
  } else if (event.type === "presence") people.value = event.people;
  else if (event.type === "recordings") recordingsVersion.value++;
  else if (event.type === "run") runVersion.value++;
  else if (event.type === "networks") networksVersion.value++;
  for (const listener of listeners) listener(event);
}

interface Place {
  recording: string | null;
  video: string | null;
  frame: number | null;
}
let place: Place = { recording: null, video: null, frame: null };
let timer: ReturnType<typeof setTimeout> | undefined;

/** Lets others see where one is, at most once a second. */
export function sayWhere(where: Place): void {
  place = where;
  if (timer !== undefined) return;
  timer = setTimeout(() => {
    timer = undefined;
    if (client && connection.peek() === "open")
      post("/api/presence", { client, author: author.peek(), ...place }).catch(() => undefined);
  }, 1000);
}

export async function openSession(): Promise<void> {
  session.value = await get<Session>("/api/session");
  connection.value = "open";
}
