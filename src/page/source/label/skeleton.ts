// A skeleton that is drawn by clicks: nodes with names, edges between them, sides that mirror each other.

import type { SkeletonFacts } from "../../types";

export interface Draft {
  nodes: { name: string; at: [number, number] }[];
  edges: [number, number][];
}

export const EMPTY: Draft = { nodes: [], edges: [] };

export function addNode(draft: Draft, at: [number, number], from: number | null): Draft {
  const place = draft.nodes.length;
  let number = place + 1;
  while (draft.nodes.some((node) => node.name === `node ${number}`)) number++;
  const edges: [number, number][] = from === null ? draft.edges : [...draft.edges, [from, place]];
  return { nodes: [...draft.nodes, { name: `node ${number}`, at }], edges };
}

export function removeNode(draft: Draft, place: number): Draft {
  const moved = (node: number): number => (node > place ? node - 1 : node);
  return {
    nodes: draft.nodes.filter((_, at) => at !== place),
    edges: draft.edges.filter((edge) => !edge.includes(place)).map(([a, b]) => [moved(a), moved(b)]),
  };
}

/** An edge that is there goes, one that is not comes. */
export function toggleEdge(draft: Draft, a: number, b: number): Draft {
  if (a === b) return draft;
  const isSame = ([x, y]: [number, number]): boolean => (x === a && y === b) || (x === b && y === a);
  return draft.edges.some(isSame)
    ? { ...draft, edges: draft.edges.filter((edge) => !isSame(edge)) }
    : { ...draft, edges: [...draft.edges, [a, b]] };
}

export function rename(draft: Draft, place: number, name: string): Draft {
  return { ...draft, nodes: draft.nodes.map((node, at) => (at === place ? { ...node, name } : node)) };
}

/** Pairs of nodes whose names differ in their side alone. */
export function findSymmetries(names: readonly string[]): [number, number][] {
  const pairs: [number, number][] = [];
  names.forEach((name, place) => {
    const mirrored = mirror(name);
    const other = mirrored === null ? -1 : names.findIndex((one) => one.toLowerCase() === mirrored);
    if (other > place) pairs.push([place, other]);
  });
  return pairs;
}

function mirror(name: string): string | null {
  const low = name.toLowerCase();
  if (low.includes("left")) return low.replace("left", "right");
  if (low.includes("right")) return low.replace("right", "left");
  const side =
    /(^|[_\s-])([lr])($|[_\s-])/.exec(low) ??
    /()([lr])(\d*)$/.exec(/[A-Z]/.test(name.at(-1) ?? "") || /[a-z][LR]\d*$/.test(name) ? low : "");
  if (!side) return null;
  const at = side.index + side[1]!.length;
  return low.slice(0, at) + (side[2] === "l" ? "r" : "l") + low.slice(at + 1);
}

/** What is still wrong with it; null where nothing is. */
export function faultOf(draft: Draft): string | null {
  if (!draft.nodes.length) return "Click the first node in the frame.";
  const names = draft.nodes.map((node) => node.name.trim());
  if (names.some((name) => !name)) return "Each node needs a name.";
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice) return `Two nodes are called ${twice}.`;
  return null;
}

export function toSkeleton(draft: Draft): SkeletonFacts {
  const nodes = draft.nodes.map((node) => node.name.trim());
  return { nodes, edges: draft.edges, symmetries: findSymmetries(nodes) };
}
