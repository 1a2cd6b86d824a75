// Claims on their way to the server: kept in the browser until it has them, and sent in order.

import { signal } from "@preact/signals";
import type { ClaimsAnswer } from "../../types";
import { part, post, ServerFault, Unreachable } from "../api";
import type { Claim } from "../core/claims";

export interface Parcel {
  /** Rises with time: the order in which parcels are sent. */
  key: number;
  project: string;
  recording: string;
  claims: Claim[];
}

/** Where parcels are kept: IndexedDB, or nothing but memory where a browser allows none. */
export interface Shelf {
  all(): Promise<Parcel[]>;
  put(parcel: Omit<Parcel, "key">): Promise<number>;
  remove(key: number): Promise<void>;
}

export type Delivery = (recording: string, answer: ClaimsAnswer, sent: Claim[]) => void;

/** Parcels that are not through; of this project alone. */
export const waiting = signal<Parcel[]>([]);
/** Why they wait: null while all is well. */
export const trouble = signal<string | null>(null);
/** Parcels that the server refused, with its words; they are kept until a person has seen them. */
export const refused = signal<{ parcel: Parcel; reason: string }[]>([]);

export class Outbox {
  private isSending = false;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private pause = 1;

  constructor(
    private readonly shelf: Shelf,
    private readonly project: string,
    private readonly since: (recording: string) => string | null,
    private readonly deliver: Delivery,
    private readonly send = (recording: string, body: unknown): Promise<ClaimsAnswer> =>
      post<ClaimsAnswer>(`/api/recordings/${part(recording)}/claims`, body),
  ) {}

  /** What an earlier page of this browser left goes first. */
  async open(): Promise<void> {
    waiting.value = (await this.shelf.all()).filter((one) => one.project === this.project);
    void this.flush();
  }

  /** Keeps claims, then sends them; they are safe in the browser when this returns. */
  async add(recording: string, claims: Claim[]): Promise<void> {
    const parcel = { project: this.project, recording, claims };
    // shown at once, kept in a moment
    const shown: Parcel = { ...parcel, key: Number.MAX_SAFE_INTEGER };
    waiting.value = [...waiting.value, shown];
    const key = await this.shelf.put(parcel);
    waiting.value = waiting.value.map((one) => (one === shown ? { ...parcel, key } : one));
    void this.flush();
  }

  /** Tries at once: the connection is back. */
  wake(): void {
    this.pause = 1;
    void this.flush();
  }

  async dismiss(parcel: Parcel): Promise<void> {
    refused.value = refused.value.filter((one) => one.parcel.key !== parcel.key);
    await this.shelf.remove(parcel.key);
  }

  async flush(): Promise<void> {
    if (this.isSending) return;
    this.isSending = true;
    clearTimeout(this.retry);
    try {
      for (;;) {
        const parcel = waiting.value.find((one) => one.key !== Number.MAX_SAFE_INTEGER);
        if (!parcel) break;
        const { recording, claims } = parcel;
        try {
          const answer = await this.send(recording, { since: this.since(recording), claims });
          this.deliver(recording, answer, claims);
        } catch (error) {
          if (!this.isRefusal(error)) throw error;
          refused.value = [...refused.value, { parcel, reason: (error as Error).message }];
          waiting.value = waiting.value.filter((one) => one.key !== parcel.key);
          continue;
        }
        await this.shelf.remove(parcel.key);
        waiting.value = waiting.value.filter((one) => one.key !== parcel.key);
        trouble.value = null;
        this.pause = 1;
      }
    } catch (error) {
      trouble.value = error instanceof Error ? error.message : String(error);
      this.retry = setTimeout(() => void this.flush(), 1000 * this.pause);
      this.pause = Math.min(2 * this.pause, 10);
    } finally {
      this.isSending = false;
    }
  }

  /** What asking again would not change. */
  private isRefusal(error: unknown): boolean {
    if (error instanceof Unreachable) return false;
    return error instanceof ServerFault && error.status < 500 && ![401, 408, 429].includes(error.status);
  }
}

export async function openShelf(): Promise<Shelf> {
  try {
    const database = await new Promise<IDBDatabase>((good, bad) => {
      const asked = indexedDB.open("poseflow", 1);
      asked.onupgradeneeded = () => asked.result.createObjectStore("outbox", { keyPath: "key", autoIncrement: true });
      asked.onsuccess = () => good(asked.result);
      asked.onerror = () => bad(asked.error);
    });
    const run = <T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> =>
      new Promise((good, bad) => {
        const transaction = database.transaction("outbox", mode, { durability: "strict" });
        const asked = work(transaction.objectStore("outbox"));
        transaction.oncomplete = () => good(asked.result);
        transaction.onerror = () => bad(transaction.error);
        transaction.onabort = () => bad(transaction.error);
      });
    return {
      all: () => run("readonly", (store) => store.getAll() as IDBRequest<Parcel[]>),
      put: (parcel) => run("readwrite", (store) => store.add(parcel) as IDBRequest<number>),
      remove: async (key) => void (await run("readwrite", (store) => store.delete(key))),
    };
  } catch {
    return memoryShelf();
  }
}

export function memoryShelf(): Shelf {
  const parcels = new Map<number, Parcel>();
  let last = 0;
  return {
    all: async () => [...parcels.values()],
    put: async (parcel) => {
      parcels.set(++last, { ...parcel, key: last });
      return last;
    },
    remove: async (key) => void parcels.delete(key),
  };
}
