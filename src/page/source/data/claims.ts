// All that is said of the recordings that one looks at: claims of the server and those on their way, and undoing them.

import { signal } from "@preact/signals";
import type { ClaimsAnswer, Conflict } from "../../types";
import { get, part, query } from "../api";
import { type Claim, describeClaim, findStanding, findTakenBack, type Saying, stamp } from "../core/claims";
import { Outbox, openShelf, waiting } from "./outbox";
import { author, listen, session } from "./session";

/** Raised whenever claims come, of whatever recording. */
export const claimsVersion = signal(0);
export const conflicts = signal<Conflict[]>([]);

interface Known {
  cursor: string | null;
  claims: Map<string, Claim>;
}
const recordings = new Map<string, Known>();
type Settled = (recording: string, ids: string[], own: boolean) => void;
const watchers = new Set<Settled>();
let outbox: Outbox | null = null;
/** Undone batches, newest last, that one may do again. */
const undone: { recording: string; ids: string[] }[] = [];

function known(recording: string): Known {
  let own = recordings.get(recording);
  if (!own) {
    own = { cursor: null, claims: new Map() };
    recordings.set(recording, own);
  }
  return own;
}

export async function openClaims(): Promise<void> {
  outbox = new Outbox(await openShelf(), session.peek()?.path ?? "", (recording) => known(recording).cursor, deliver);
  await outbox.open();
  for (const parcel of waiting.value)
    for (const claim of parcel.claims) known(parcel.recording).claims.set(claim.id, claim);
  listen((event) => {
    if (event.type !== "claims") return;
    const own = known(event.recording);
    const fresh = event.claims.filter((claim) => !own.claims.has(claim.id));
    for (const claim of event.claims) own.claims.set(claim.id, claim);
    own.cursor = event.cursor;
    claimsVersion.value++;
    if (fresh.length)
      for (const watch of watchers)
        watch(
          event.recording,
          fresh.map((claim) => claim.id),
          false,
        );
  });
}

/** The connection is back: what waits is sent, and what came meanwhile is asked for. */
export function wakeClaims(): void {
  outbox?.wake();
  for (const recording of recordings.keys()) void askClaims(recording).catch(() => undefined);
}

export function watchClaims(watch: Settled): () => void {
  watchers.add(watch);
  return () => watchers.delete(watch);
}

export async function askClaims(recording: string): Promise<void> {
  const own = known(recording);
  const answer = await get<ClaimsAnswer>(`/api/recordings/${part(recording)}/claims?${query({ since: own.cursor })}`);
  deliver(recording, answer, []);
}

function deliver(recording: string, answer: ClaimsAnswer, sent: Claim[]): void {
  const own = known(recording);
  const fresh = answer.claims.filter((claim) => !own.claims.has(claim.id)).map((claim) => claim.id);
  for (const claim of answer.claims) own.claims.set(claim.id, claim);
  own.cursor = answer.cursor;
  if (answer.conflicts.length) conflicts.value = [...answer.conflicts, ...conflicts.value].slice(0, 100);
  claimsVersion.value++;
  const ids = [...fresh, ...sent.map((claim) => claim.id)];
  if (ids.length) for (const watch of watchers) watch(recording, ids, sent.length > 0);
}

export function claimsOf(recording: string): Claim[] {
  return [...known(recording).claims.values()];
}

/** Makes claims of what a person says, and sends them on their way; gives them back. */
export function say(recording: string, sayings: Saying[]): Claim[] {
  const claims = stamp(sayings, author.peek());
  for (const claim of claims) known(recording).claims.set(claim.id, claim);
  claimsVersion.value++;
  void outbox?.add(recording, claims);
  if (!claims.some((claim) => claim.kind === "retraction")) undone.length = 0;
  return claims;
}

export interface Batch {
  claims: Claim[];
  text: string;
}

/** The own claims of one moment that hold, newest first. */
export function batchesOf(recording: string, own = author.peek()): Batch[] {
  const batches = new Map<string, Claim[]>();
  for (const claim of findStanding(claimsOf(recording))) {
    if (claim.author !== own) continue;
    const key = claim.id.slice(0, 12);
    batches.set(key, [...(batches.get(key) ?? []), claim]);
  }
  const all = [...batches.entries()].sort(([a], [b]) => (a < b ? 1 : -1));
  return all.map(([, claims]) => ({ claims, text: describeBatch(claims) }));
}

export function describeBatch(claims: readonly Claim[]): string {
  const first = claims[0];
  if (!first) return "";
  if (claims.length > 1 && (first.kind === "continuation" || first.kind === "name")) {
    const about = new Set(
      claims.flatMap((claim) => (claim.kind === "continuation" || claim.kind === "name" ? [claim.where.animal] : [])),
    );
    if (about.size > 1) return `swapped from frame ${first.where.frame}`;
  }
  return describeClaim(first);
}

/** Takes claims back; returns the retractions. */
export function takeBack(recording: string, ids: readonly string[]): Claim[] {
  return say(
    recording,
    ids.map((retracts) => ({ kind: "retraction", retracts })),
  );
}

/** Takes back what one did last. */
export function undo(recording: string): Batch | null {
  const last = batchesOf(recording)[0];
  if (!last) return null;
  const made = takeBack(
    recording,
    last.claims.map((claim) => claim.id),
  );
  undone.push({ recording, ids: made.map((claim) => claim.id) });
  return last;
}

/** Takes the last undoing back. */
export function redo(recording: string): string[] | null {
  const place = undone.findLastIndex((one) => one.recording === recording);
  const [last] = place < 0 ? [] : undone.splice(place, 1);
  if (!last) return null;
  takeBack(recording, last.ids);
  return last.ids;
}

export function isTakenBack(recording: string, id: string): boolean {
  return findTakenBack(claimsOf(recording)).has(id);
}

export async function dismissRefused(parcel: Parameters<Outbox["dismiss"]>[0]): Promise<void> {
  await outbox?.dismiss(parcel);
}
