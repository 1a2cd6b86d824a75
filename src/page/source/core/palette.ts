// Colors of animals: those of the report (poseflow.report.palette), by name, the same in lanes, lists and frames.

export const COLORS = ["#56b4e9", "#e69f00", "#cc79a7", "#009e73", "#d55e00", "#0072b2", "#999933", "#882255"] as const;
/** Of animals without a name where others have one. */
export const UNNAMED = "#a0a0a0";

export interface Look {
  color: string;
  /** Drawn in dashes: from the seventh animal on colors alone no longer tell them apart. */
  dashed: boolean;
  /** That stands beside it from there on. */
  letter: string;
}

/** By name where there are names, else by track. */
export function lookOf(name: string | null, track: number, names: readonly string[]): Look {
  if (name !== null) return lookOfPlace(Math.max(names.indexOf(name), 0));
  if (names.length || track < 0) return { color: UNNAMED, dashed: false, letter: "" };
  return lookOfPlace(track);
}

export function lookOfPlace(place: number): Look {
  const dashed = place >= 6;
  return {
    color: COLORS[place % COLORS.length]!,
    dashed,
    letter: dashed ? String.fromCharCode(65 + (place % 26)) : "",
  };
}
