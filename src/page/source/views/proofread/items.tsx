// The review items, in the order in which they were when the list was opened.

import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { ReviewItem } from "../../../types";
import { clock, count, duration } from "../../core/text";
import type { Proofreading } from "../../proofread/model";
import { kindOf } from "../../proofread/review";
import { Key } from "../parts";

function namesOf(model: Proofreading, item: ReviewItem): string {
  const isHere = item.video === model.video.name;
  const names = item.tracks.map(
    (track, at) => item.identities[at] ?? (isHere ? model.nameAt(track, item.frame) : null) ?? `track ${track}`,
  );
  return names.length ? names.join(", ") : `frame ${count(item.frame)}`;
}

export function ItemList({ model }: { model: Proofreading }): JSX.Element {
  void model.queueVersion.value;
  const queue = model.queue.value;
  const list = queue.list;
  const open = queue.open;
  const review = model.review.value;
  const current = useRef<HTMLButtonElement>(null);
  const left = open.reduce((sum, item) => sum + item.expected_errors, 0);
  useEffect(() => current.current?.scrollIntoView({ block: "nearest" }), [model.item.value]);
  const claims = list.filter((item) => item.claim);
  return (
    <aside class="panel left" aria-label="Review items">
      <header>
        <h2>Review</h2>
        <span class="soft">
          {open.length ? `${count(open.length)} left` : list.length ? "all answered" : ""}
          {open.length && review?.items.length
            ? ` · ${duration((review.cost_s / Math.max(review.items.filter((one) => one.state === "open").length, 1)) * open.length)}`
            : ""}
        </span>
      </header>
      {list.length > 0 && (
        <p class="soft small">
          {open.length > 0
            ? `${count(left)} expected errors left of ${count(review?.total_expected_errors ?? left)}`
            : "No expected errors are left open."}
          {claims.length > 0 && ` · ${claims.length} edits to look at`}
        </p>
      )}
      {model.hasNewList.value && (
        <Key
          text="There is a new list: open it"
          act={() => {
            model.reopenList();
            model.queueVersion.value++;
          }}
        />
      )}
      <div class="list" role="listbox">
        {list.map((item) => (
          <button
            type="button"
            key={item.id}
            ref={item.id === model.item.value ? current : null}
            class={`item ${item.state}`}
            role="option"
            aria-selected={item.id === model.item.value}
            onClick={(event) => {
              event.currentTarget.blur();
              model.openItem(item);
            }}
          >
            <span class="rank">{item.state === "answered" ? "✓" : item.rank}</span>
            <span class="what">
              {namesOf(model, item)}
              <small>
                {kindOf(item.kind)} · {item.time_s === null ? `frame ${count(item.frame)}` : clock(item.time_s)}
                {item.video !== model.video.name && ` · ${item.video}`}
                {item.answered_by && ` · ${item.answered_by}`}
                {item.note && ` · ${item.note}`}
              </small>
            </span>
            <span class="number" title="expected errors, animal-frames">
              {item.expected_errors >= 0.5 ? count(item.expected_errors) : "<1"}
            </span>
          </button>
        ))}
        {!list.length && (
          <p class="soft pad">
            No review items. Frames can still be proofread: K plays, the bar below shows where tracks end.
          </p>
        )}
      </div>
      <footer>
        <Key
          command="accept"
          kind="main"
          text="Right"
          act={() => model.accept()}
          title="What is shown is right; goes on to the next"
        />
        <Key command="nextItem" text="Next" act={() => model.nextItem(1)} off={!open.length} />
      </footer>
    </aside>
  );
}
