// Frames to label, in an order that stays; and how more are chosen.

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { LabelFile, RecordingList } from "../../../types";
import { stillUrl } from "../../api";
import { count, plural } from "../../core/text";
import { readOnly } from "../../data/session";
import type { Labeling } from "../../label/model";
import { facts } from "../../label/videos";
import { addressOf, note } from "../../router";
import { Act } from "../parts";

export function Queue({ model, files }: { model: Labeling; files: LabelFile[] }): JSX.Element {
  const queue = model.queue.value;
  const open = model.open.value;
  const labeled = queue.filter((one) => one.state === "labeled").length;
  const suggestions = model.suggestions.value;
  const current = useRef<HTMLButtonElement>(null);
  const [number, setNumber] = useState(20);
  useEffect(() => current.current?.scrollIntoView({ block: "nearest" }), [open?.frame, open?.video.name]);
  return (
    <aside class="panel left" aria-label="Frames to label">
      <header>
        <h2>Label</h2>
        <span class="soft">
          {labeled} of {queue.length} labeled
        </span>
      </header>
      <label class="field">
        <span class="soft small">into</span>
        <select
          value={model.file.name}
          onChange={(event) => {
            note(addressOf("label", [], { file: event.currentTarget.value }), true);
          }}
        >
          {files.map((file) => (
            <option key={file.name} value={file.name}>
              {file.name}
              {file.writable ? "" : " (only to read)"}
            </option>
          ))}
          <option value="new">a new file …</option>
        </select>
      </label>
      {!model.file.writable && <p class="bad small pad">{model.file.reason}</p>}
      <div class="list thumbs" role="listbox">
        {queue.map((one) => {
          const isOpen = open?.video.name === one.video && open.frame === one.frame;
          return (
            <button
              type="button"
              key={`${one.video} ${one.frame}`}
              ref={isOpen ? current : null}
              class={`item ${one.state}`}
              role="option"
              aria-selected={isOpen}
              onClick={(event) => {
                event.currentTarget.blur();
                void model.goTo(one.video, one.frame);
              }}
            >
              <Thumb list={model.list} video={one.video} frame={one.frame} />
              <span class="what">
                {count(one.frame)}
                <small>{one.video}</small>
                <small>
                  {one.state === "labeled"
                    ? `✓ ${one.animals ? plural(one.animals, "animal") : "no animal"}`
                    : one.state === "predicted"
                      ? "predicted"
                      : "to label"}
                </small>
              </span>
            </button>
          );
        })}
        {!queue.length && <p class="soft pad">No frames are chosen yet.</p>}
      </div>
      <footer>
        {suggestions?.state === "working" ? (
          <span class="soft small">choosing frames, {Math.round(100 * suggestions.done)} %</span>
        ) : (
          <>
            <input
              class="number"
              type="number"
              min={1}
              max={200}
              value={number}
              aria-label="how many frames"
              onInput={(event) => setNumber(Number(event.currentTarget.value))}
            />
            <Act
              text={`Choose ${number || ""} frames`}
              act={() => model.suggest(Math.min(Math.max(number || 20, 1), 200))}
              off={readOnly.value}
              kind={queue.length ? "plain" : "main"}
            />
          </>
        )}
      </footer>
      {suggestions?.fault && <p class="bad small pad">{suggestions.fault}</p>}
    </aside>
  );
}

function Thumb({ list, video, frame }: { list: RecordingList; video: string; frame: number }): JSX.Element {
  const [url, setUrl] = useState<string | null>(null);
  const holder = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    let isGone = false;
    const seen = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      seen.disconnect();
      void facts(list, video).then(
        (own) => {
          if (!isGone && own) setUrl(stillUrl(video, frame, "thumb", own.video.fingerprint));
        },
        () => undefined,
      );
    });
    seen.observe(holder.current!);
    return () => {
      isGone = true;
      seen.disconnect();
    };
  }, [video, frame]);
  return (
    <span class="thumb" ref={holder}>
      {url && <img src={url} alt="" loading="lazy" width={56} height={42} />}
    </span>
  );
}
