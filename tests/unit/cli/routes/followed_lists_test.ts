import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError, TransportError } from "../../../../src/errors.ts";
import type { Fetched } from "../../../../src/adapters/net/fetch_document.ts";
import { FollowedLists } from "../../../../src/cli/routes/followed_lists.ts";
import type { Logger } from "../../../../src/observe.ts";
import { LIST_REFRESH_MS, LIST_RETRY_MS } from "../../../../src/limits.ts";
import { utf8 } from "../../../support/bytes.ts";
import { FakeClock, settle } from "../../../support/fake_clock.ts";

/** A publisher, a disk and a log. */
class Scene {
  readonly clock = new FakeClock();
  readonly lines: string[] = [];
  readonly used: string[] = [];
  readonly tags: (string | undefined)[] = [];
  /** What is published, and its tag; not set: the host is silent. */
  published: { text: string; tag?: string } | undefined;
  kept: string | undefined;
  lists: FollowedLists | undefined;

  constructor(published?: { text: string; tag?: string }, kept?: string) {
    this.published = published;
    this.kept = kept;
  }

  async load(): Promise<void> {
    this.lists = await FollowedLists.load(
      [{
        name: "ads",
        url: new URL("https://lists.example/ads"),
        refreshMs: LIST_REFRESH_MS,
        cache: {
          read: () =>
            this.kept === undefined
              ? undefined
              : { bytes: utf8(this.kept), savedUnixMs: 0 },
          write: (bytes) => {
            this.kept = new TextDecoder().decode(bytes);
          },
        },
      }],
      {
        clock: this.clock,
        fetch: (_, tag) => this.#fetch(tag),
      },
      new AbortController().signal,
    );
  }

  follow(): Promise<void> {
    const logger: Logger = {
      enabled: () => true,
      log: (level, message, fields = {}) =>
        this.lines.push(`${level} ${message} ${fields["code"] ?? ""}`.trim()),
    };
    return this.lists!.follow(logger, async (contents) => {
      await Promise.resolve();
      const text = new TextDecoder().decode(contents.get("ads"));
      if (text === "bad") throw new ConfigError("ERR_ROUTE_LIST", "it is bad");
      this.used.push(text);
    });
  }

  get content(): string {
    return new TextDecoder().decode(this.lists!.contents.get("ads"));
  }

  #fetch(tag: string | undefined): Promise<Fetched> {
    this.tags.push(tag);
    const { published } = this;
    if (published === undefined) {
      return Promise.reject(new TransportError("ERR_NET_TIMEOUT", "silent"));
    }
    const isKnown = tag !== undefined && tag === published.tag;
    return Promise.resolve({
      bytes: isKnown ? undefined : utf8(published.text),
      tag: published.tag,
    });
  }
}

test("a list without a copy is fetched before the start", async () => {
  const scene = new Scene({ text: "one", tag: "1" });
  await scene.load();
  assert.deepEqual([scene.content, scene.kept], ["one", "one"]);
  await assert.rejects(new Scene().load(), { code: "ERR_NET_TIMEOUT" });
});

test("a copy lets the start go on without the host, which is asked at once", async () => {
  const scene = new Scene(undefined, "old");
  await scene.load();
  assert.equal(scene.content, "old");
  assert.deepEqual(scene.tags, []);
  const kept = { changedUnixMs: 0, isStale: false };
  assert.deepEqual(scene.lists!.status.get("ads"), kept);
  const following = scene.follow();
  await settle();
  assert.deepEqual(scene.lists!.status.get("ads"), { ...kept, isStale: true });
  assert.deepEqual(scene.lines, [
    "warn list of rules is not updated ERR_NET_TIMEOUT",
  ]);
  await scene.clock.advance(LIST_RETRY_MS);
  scene.published = { text: "new", tag: "2" };
  await scene.clock.advance(LIST_RETRY_MS);
  assert.deepEqual([scene.used, scene.kept, scene.content], [
    ["new"],
    "new",
    "new",
  ]);
  assert.deepEqual(scene.lines.slice(1), [
    "info list of rules has changed",
    "info list of rules can be fetched again",
  ]);
  scene.lists![Symbol.dispose]();
  await following;
});

test("a list is looked at in its interval, and fetched only when it changed", async () => {
  const scene = new Scene({ text: "one", tag: "1" });
  await scene.load();
  const following = scene.follow();
  await scene.clock.advance(LIST_REFRESH_MS);
  scene.published = { text: "two", tag: "2" };
  await scene.clock.advance(LIST_REFRESH_MS);
  assert.deepEqual(scene.tags, [undefined, "1", "1"]);
  assert.deepEqual(scene.used, ["two"]);
  assert.deepEqual(scene.lists!.status.get("ads"), {
    changedUnixMs: scene.clock.unixMs(),
    lookedUnixMs: scene.clock.unixMs(),
    isStale: false,
  });
  scene.lists![Symbol.dispose]();
  await following;
});

test("a list of which no routes can be made is neither used nor kept", async () => {
  const scene = new Scene({ text: "good", tag: "1" }, "good");
  await scene.load();
  const following = scene.follow();
  await settle();
  scene.published = { text: "bad", tag: "2" };
  await scene.clock.advance(LIST_REFRESH_MS);
  await scene.clock.advance(LIST_RETRY_MS);
  assert.deepEqual([scene.used, scene.kept, scene.content], [
    [],
    "good",
    "good",
  ]);
  assert.deepEqual(scene.lines, [
    "warn list of rules is not updated ERR_ROUTE_LIST",
  ]);
  scene.lists![Symbol.dispose]();
  await following;
});
