// Each state of the page is an address: Back, and links that one sends to others, work.

import { signal } from "@preact/signals";

export type ViewName = "recordings" | "run" | "label" | "proofread" | "networks";
export const VIEWS: readonly ViewName[] = ["recordings", "run", "label", "proofread", "networks"];

export interface Route {
  view: ViewName;
  /** Behind the view, decoded. */
  parts: string[];
  query: URLSearchParams;
}

export function parse(address: string): Route {
  const { pathname, searchParams } = new URL(address, "http://page");
  const [first = "", ...parts] = pathname.split("/").filter(Boolean).map(decode);
  const view = VIEWS.find((one) => one === first) ?? "recordings";
  return { view, parts, query: searchParams };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function addressOf(
  view: ViewName,
  parts: readonly string[] = [],
  query: Record<string, string | number | null | undefined> = {},
): string {
  const known = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const search = new URLSearchParams(known.map(([key, value]) => [key, String(value)])).toString();
  return `/${[view, ...parts].map(encodeURIComponent).join("/")}${search ? `?${search}` : ""}`;
}

export const route = signal<Route>(parse("/"));

/** Raised when the address changes otherwise than by the view itself: Back, a link. */
export const visits = signal(0);

/** The address of what is shown; that of the browser may be a moment behind. */
let here = "";
let timer: ReturnType<typeof setTimeout> | undefined;
const left = new Map<ViewName, string>();

/** Where a view was left; at first its beginning. */
export function wayBack(view: ViewName): string {
  return left.get(view) ?? addressOf(view);
}

function arrive(): void {
  if (here) left.set(route.peek().view, here);
  here = location.pathname + location.search;
  route.value = parse(location.href);
}

export function start(): void {
  arrive();
  window.addEventListener("popstate", () => {
    clearTimeout(timer);
    timer = undefined;
    arrive();
    visits.value++;
  });
  window.addEventListener("click", (event) => {
    const link = (event.target as Element | null)?.closest?.("a");
    if (
      !link ||
      event.defaultPrevented ||
      event.button !== 0 ||
      event.ctrlKey ||
      event.metaKey ||
      event.shiftKey ||
      link.target
    )
      return;
    const url = new URL(link.href);
    if (url.origin !== location.origin || !VIEWS.includes(url.pathname.split("/")[1] as ViewName)) return;
    event.preventDefault();
    go(url.pathname + url.search);
  });
}

/** Another place, to which Back leads back. */
export function go(address: string): void {
  catchUp();
  history.pushState(null, "", address);
  arrive();
  visits.value++;
}

/** The same place, told more exactly: the view is not told, as it says so itself. */
export function note(address: string, isNewPlace = false): void {
  if (isNewPlace) {
    catchUp();
    history.pushState(null, "", address);
    arrive();
    return;
  }
  here = address;
  clearTimeout(timer);
  timer = setTimeout(catchUp, 250);
}

/** What was noted of a place is written before one leaves it. */
function catchUp(): void {
  if (timer === undefined) return;
  clearTimeout(timer);
  timer = undefined;
  history.replaceState(null, "", here);
}
