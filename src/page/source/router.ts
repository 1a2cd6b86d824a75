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

export function start(): void {
  route.value = parse(location.href);
  window.addEventListener("popstate", () => {
    route.value = parse(location.href);
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
  history.pushState(null, "", address);
  route.value = parse(location.href);
  visits.value++;
}

/** The same place, told more exactly: the view is not told, as it says so itself. */
let timer: ReturnType<typeof setTimeout> | undefined;
export function note(address: string, isNewPlace = false): void {
  clearTimeout(timer);
  if (isNewPlace) {
    history.pushState(null, "", address);
    route.value = parse(location.href);
    return;
  }
  timer = setTimeout(() => {
    history.replaceState(null, "", address);
  }, 250);
}
