// What is known of the project's videos, asked once each.

import type { Recording, RecordingList, VideoFacts } from "../../types";
import { get, part } from "../api";

const recordings = new Map<string, Promise<Recording>>();

export async function facts(
  list: RecordingList,
  video: string,
): Promise<{ recording: string; video: VideoFacts } | null> {
  const row = list.recordings.find((one) => one.videos.includes(video));
  if (!row) return null;
  let asked = recordings.get(row.name);
  if (!asked) {
    asked = get<Recording>(`/api/recordings/${part(row.name)}`);
    recordings.set(row.name, asked);
    asked.catch(() => recordings.delete(row.name));
  }
  const own = (await asked).videos.find((one) => one.name === video);
  return own ? { recording: row.name, video: own } : null;
}
