import assert from "node:assert/strict";
import { test } from "node:test";
import { ChunkOpener } from "../../../src/codec/chunk_opener.ts";
import { ChunkSealer } from "../../../src/codec/chunk_sealer.ts";
import { ProtocolError } from "../../../src/errors.ts";
import { openStream, sealStream } from "../../../src/streams/chunk_streams.ts";
import { flipBit, randomSplit, seededBytes } from "../../support/bytes.ts";
import { settle } from "../../support/fake_clock.ts";
import { countingBytes, testKey } from "../../support/keys.ts";
import { readAll, streamOf } from "../../support/streams.ts";

const KEY = testKey();
const PLAINTEXT = seededBytes(50_000);

test("openStream() inverts sealStream(), however the bytes are split", async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const sealed = await readAll(
      streamOf(...randomSplit(PLAINTEXT, seed)).pipeThrough(newSealStream()),
    );
    const opened = await readAll(
      streamOf(...randomSplit(sealed, seed + 100)).pipeThrough(
        newOpenStream(),
      ),
    );
    assert.deepEqual(opened, PLAINTEXT);
  }
});

test("openStream() fails with the opener's error, on tampering", async () => {
  const sealed = new ChunkSealer(KEY, countingBytes).seal(PLAINTEXT);
  await assert.rejects(
    readAll(streamOf(flipBit(sealed, 99_999)).pipeThrough(newOpenStream())),
    (error) =>
      error instanceof ProtocolError && error.code === "ERR_SS_AUTHENTICATION",
  );
});

test("openStream() fails, when the stream ends inside a chunk", async () => {
  const sealed = new ChunkSealer(KEY, countingBytes).seal(PLAINTEXT);
  await assert.rejects(
    readAll(streamOf(sealed.subarray(0, -1)).pipeThrough(newOpenStream())),
    (error) =>
      error instanceof ProtocolError && error.code === "ERR_SS_TRUNCATED",
  );
});

test("both streams free their key, when done and when cancelled", async () => {
  for (const cancel of [false, true]) {
    const sealer = new ChunkSealer(KEY, countingBytes);
    const opener = new ChunkOpener(KEY);
    const piped = streamOf(PLAINTEXT)
      .pipeThrough(sealStream(sealer))
      .pipeThrough(openStream(opener));
    if (cancel) await piped.cancel();
    else await readAll(piped);
    await settle();
    assert.throws(() => sealer.seal(PLAINTEXT), TypeError);
    assert.throws(() => opener.open(PLAINTEXT), TypeError);
  }
});

function newSealStream(): ReturnType<typeof sealStream> {
  return sealStream(new ChunkSealer(KEY, countingBytes));
}

function newOpenStream(): ReturnType<typeof openStream> {
  return openStream(new ChunkOpener(KEY));
}
