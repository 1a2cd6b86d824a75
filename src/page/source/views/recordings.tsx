// Recordings: what there is, those first that need a person most.

import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { RecordingList, RecordingRow } from "../../types";
import { get } from "../api";
import { count, duration, plural } from "../core/text";
import { recordingsVersion } from "../data/session";
import { addressOf, go } from "../router";
import { Empty, useAnswer } from "./parts";

const ROW = 28;
const list = signal<RecordingList | null>(null);

type Order = "worst" | "name" | "duration" | "errors" | "items" | "edits";
const COLUMNS: { key: Order | null; text: string; number: boolean; title: string }[] = [
  { key: "name", text: "Recording", number: false, title: "" },
  { key: null, text: "State", number: false, title: "" },
  { key: "duration", text: "Length", number: true, title: "" },
  { key: null, text: "Animals", number: true, title: "animals in a frame, on average" },
  { key: "errors", text: "Expected errors", number: true, title: "animal-frames that are expected to be wrong" },
  { key: "items", text: "To review", number: true, title: "review items that nobody has answered" },
  {
    key: "edits",
    text: "Edits waiting",
    number: true,
    title: "edits that the tables do not hold yet: the next run applies them",
  },
];

const VALUES: Record<Order, (row: RecordingRow) => number | string> = {
  worst: () => 0,
  name: (row) => row.name,
  duration: (row) => -(row.duration_s ?? 0),
  errors: (row) => -(row.expected_errors ?? -1),
  items: (row) => -(row.open_items ?? -1),
  edits: (row) => -(row.pending_edits ?? -1),
};

const WORDS: Record<RecordingRow["state"], string> = {
  done: "done",
  running: "running",
  waiting: "waiting",
  failed: "failed",
  quarantined: "set aside",
};

export function RecordingsView(): JSX.Element {
  const { answer, fault } = useAnswer((abort) => get<RecordingList>("/api/recordings", abort), recordingsVersion.value);
  if (answer) list.value = answer;
  const own = list.value;
  const [wanted, setWanted] = useState("");
  const [order, setOrder] = useState<Order>("worst");
  const rows = useMemo(() => {
    const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
    const text = (row: RecordingRow): string =>
      [row.name, WORDS[row.state], ...Object.values(row.group)].join(" ").toLowerCase();
    const found = (own?.recordings ?? []).filter((row) => words.every((word) => text(row).includes(word)));
    if (order === "worst") return found;
    const value = VALUES[order];
    return [...found].sort((a, b) => (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : 0));
  }, [own, wanted, order]);
  if (!own)
    return (
      <Empty title="Recordings">
        <p class={fault ? "bad" : "soft"}>{fault ?? "reading …"}</p>
      </Empty>
    );
  const total = (key: "expected_errors" | "open_items" | "pending_edits" | "duration_s"): number =>
    own.recordings.reduce((sum, row) => sum + (row[key] ?? 0), 0);
  const bad = own.recordings.filter((row) => row.state === "failed" || row.state === "quarantined").length;
  return (
    <main class="page">
      <header class="line">
        <h1>Recordings</h1>
        <input
          class="search"
          type="search"
          placeholder="find"
          value={wanted}
          aria-label="find recordings"
          onInput={(event) => setWanted(event.currentTarget.value)}
        />
        <span class="soft grow">
          {rows.length === own.recordings.length
            ? plural(rows.length, "recording")
            : `${count(rows.length)} of ${count(own.recordings.length)}`}
          {!own.complete && " · still reading"}
        </span>
        <dl class="figures">
          <div>
            <dt>recorded</dt>
            <dd>{duration(total("duration_s"))}</dd>
          </div>
          <div>
            <dt>to review</dt>
            <dd>{count(total("open_items"))}</dd>
          </div>
          <div>
            <dt>edits waiting</dt>
            <dd>{count(total("pending_edits"))}</dd>
          </div>
          {bad > 0 && (
            <div class="bad">
              <dt>failed or set aside</dt>
              <dd>{count(bad)}</dd>
            </div>
          )}
        </dl>
      </header>
      {own.warnings.map((warning) => (
        <p class="warning" key={warning}>
          {warning}
        </p>
      ))}
      {own.recordings.length ? (
        <Table rows={rows} order={order} sort={setOrder} />
      ) : (
        <Empty title="No recordings yet">
          <p>
            Put videos into the project's folder <code>videos/</code>, then label some frames of them in{" "}
            <a href="/label">Label</a>.
          </p>
        </Empty>
      )}
    </main>
  );
}

/** Rows that are in view, of however many there are. */
function Table({
  rows,
  order,
  sort,
}: {
  rows: RecordingRow[];
  order: Order;
  sort: (order: Order) => void;
}): JSX.Element {
  const holder = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(800);
  useEffect(() => {
    const element = holder.current!;
    const measure = (): void => setHeight(element.clientHeight);
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, []);
  const first = Math.max(Math.floor(top / ROW) - 10, 0);
  const shown = rows.slice(first, first + Math.ceil(height / ROW) + 20);
  return (
    <div class="table" ref={holder} onScroll={(event) => setTop(event.currentTarget.scrollTop)}>
      <table aria-rowcount={rows.length}>
        <thead>
          <tr>
            {COLUMNS.map(({ key, text, number, title }) => (
              <th
                key={text}
                class={number ? "n" : ""}
                title={title}
                aria-sort={key === order ? "ascending" : undefined}
              >
                {key ? (
                  <button type="button" class="plain" onClick={() => sort(order === key ? "worst" : key)}>
                    {text}
                    {order === key ? " ↓" : ""}
                  </button>
                ) : (
                  text
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {first > 0 && <tr style={{ height: `${first * ROW}px` }} />}
          {shown.map((row) => (
            <Row key={row.name} row={row} />
          ))}
          {rows.length > first + shown.length && (
            <tr style={{ height: `${(rows.length - first - shown.length) * ROW}px` }} />
          )}
        </tbody>
      </table>
    </div>
  );
}

function Row({ row }: { row: RecordingRow }): JSX.Element {
  const address = addressOf("proofread", [row.name]);
  const group = Object.values(row.group).filter(Boolean).join(" · ");
  return (
    <tr class={row.state} onClick={(event) => !(event.target as Element).closest("a") && go(address)}>
      <td class="name">
        <a href={address}>{row.name}</a>
        {row.videos.length > 1 && <span class="soft"> {row.videos.length} videos</span>}
        {group && <span class="soft"> {group}</span>}
      </td>
      <td title={row.reason ?? ""}>
        <span class={`state ${row.state}`}>{WORDS[row.state]}</span>{" "}
        {row.reason && <span class="soft">{row.reason}</span>}
      </td>
      <td class="n">{duration(row.duration_s)}</td>
      <td class="n">{row.animals_per_frame === null ? "–" : row.animals_per_frame.toFixed(1)}</td>
      <td class="n">{count(row.expected_errors)}</td>
      <td class="n">
        {row.items === null ? "–" : row.items ? `${count(row.open_items)} of ${count(row.items)}` : "none"}
      </td>
      <td class="n">
        {row.pending_edits ? (
          <span class="chip">{count(row.pending_edits)}, apply by a run</span>
        ) : row.edits ? (
          <span class="soft">{count(row.edits)} applied</span>
        ) : (
          ""
        )}
      </td>
    </tr>
  );
}
