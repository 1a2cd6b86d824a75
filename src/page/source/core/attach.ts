// Which animal of a frame a claim is about: as poseflow.corrections.attach, so that the page shows what the tables will say.

import { boxOf, distanceOf } from "./poses";

const NEAR_PX = 10;
const MUCH_NEARER = 0.5;
export const NOBODY = -1;
export const SEVERAL = -2;

/** How far an animal may be from where it was seen: half its length. */
export function reachOf(points: Float32Array): number {
  const box = boxOf([points]);
  return box ? Math.max(Math.max(box.right - box.left, box.bottom - box.top) / 2, NEAR_PX) : NEAR_PX;
}

/**
 * The animal that a sighting is about: all that were seen are matched with all that are there, at once, with the least
 * distance in all, each pair within half a body length.
 *
 * @param seen all animals of the sighting; `meant` is the place of the one in question.
 * @param there of each animal now, its forms: as predicted, and as a person has changed it.
 * @returns its place in `there`, NOBODY or SEVERAL.
 */
export function attach(seen: Float32Array[], meant: number, there: Float32Array[][]): number {
  if (!there.length || !seen[meant]) return NOBODY;
  const reach = seen.map(reachOf);
  const distance = seen.map((pose) => there.map((forms) => least(forms.map((form) => distanceOf(pose, form)))));
  const value = distance.map((row, place) => row.map((one) => reach[place]! - one));
  const matched = matchPairs(value);
  const chosen = matched[meant]!;
  if (chosen < 0) return NOBODY;
  const taken = new Set(matched);
  const rivals = distance[meant]!.filter((one, place) => !taken.has(place) && one < reach[meant]!);
  return rivals.length && distance[meant]![chosen]! > MUCH_NEARER * Math.min(...rivals) ? SEVERAL : chosen;
}

function least(distances: number[]): number {
  const known = distances.filter((one) => !Number.isNaN(one));
  return known.length ? Math.min(...known) : Number.NaN;
}

/** The pairs of rows and columns with the greatest sum of values; none whose value is NaN or not above 0; -1 for none. */
export function matchPairs(value: number[][]): number[] {
  const rows = value.length;
  const columns = value[0]?.length ?? 0;
  const size = Math.max(rows, columns);
  const gain = (row: number, column: number): number => {
    const own = value[row]?.[column];
    return own !== undefined && own > 0 ? own : 0;
  };
  // The Hungarian method in the form of shortest augmenting paths (Jonker and Volgenant 1987).
  const rowPrice = new Float64Array(size + 1);
  const columnPrice = new Float64Array(size + 1);
  const rowOf = new Int32Array(size + 1);
  for (let row = 1; row <= size; row++) {
    const cheapest = new Float64Array(size + 1).fill(Infinity);
    const from = new Int32Array(size + 1);
    const isDone = new Uint8Array(size + 1);
    let column = 0;
    rowOf[0] = row;
    do {
      isDone[column] = 1;
      const own = rowOf[column]!;
      let step = Infinity;
      let next = 0;
      for (let other = 1; other <= size; other++) {
        if (isDone[other]) continue;
        const cost = -gain(own - 1, other - 1) - rowPrice[own]! - columnPrice[other]!;
        if (cost < cheapest[other]!) {
          cheapest[other] = cost;
          from[other] = column;
        }
        if (cheapest[other]! < step) {
          step = cheapest[other]!;
          next = other;
        }
      }
      for (let other = 0; other <= size; other++) {
        if (isDone[other]) {
          rowPrice[rowOf[other]!]! += step;
          columnPrice[other]! -= step;
        } else cheapest[other]! -= step;
      }
      column = next;
    } while (rowOf[column] !== 0);
    while (column) {
      const before = from[column]!;
      rowOf[column] = rowOf[before]!;
      column = before;
    }
  }
  const matched = new Array<number>(rows).fill(-1);
  for (let column = 1; column <= columns; column++) {
    const row = rowOf[column]! - 1;
    if (row < rows && gain(row, column - 1) > 0) matched[row] = column - 1;
  }
  return matched;
}
