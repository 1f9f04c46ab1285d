// @minutes 8
// The same code in a browser: opens test/browser/index.html in headless Chromium and judges what it reports.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type OpenedPage, openPage } from '../scripts/browser/open-page.ts';
import { startStaticServer } from '../scripts/browser/static-server.mjs';
import { decodeImage } from '../src/captioner/images/decode-image.ts';
import { browser } from './adapter.ts';
import { beams, fingerprint, images, model, photograph, type Report } from './browser/report.ts';
import { opCases } from './op-suite.ts';

const limitSeconds = 420;
const kinds = ['cpu', 'webgpu'] as const;

const test = suite('browser');
const browserTest = browser === 'none' ? test.skip : test;
let server: Awaited<ReturnType<typeof startStaticServer>>;
let opened: OpenedPage;
let report: Report;

function deviceReport(kind: (typeof kinds)[number]) {
  const found = report.devices.find(({ device }) => device === kind);
  assert.ok(found, `the page ran nothing on ${kind}`);
  return found;
}

browserTest('the page runs to its end', async () => {
  server = await startStaticServer();
  opened = await openPage(browser, `${server.origin}/test/browser/index.html`);
  const late = new Promise<never>((_, reject) => {
    setTimeout(async () => {
      const progress = await opened.page
        .evaluate(() => window.progress)
        .catch(() => 'unknown: it does not answer');
      reject(new Error(`the page is not done after ${limitSeconds} s; it is at: ${progress}`));
    }, limitSeconds * 1000).unref();
  });
  report = await Promise.race([opened.page.evaluate(() => window.report), late]);
});

browserTest('the browser has a WebGPU adapter', () => {
  assert.not.match(report.adapter, /^none/);
  console.log(`\n  Chromium's adapter: ${report.adapter}`);
});

for (const kind of kinds) {
  browserTest(`every case of the op table passes on its ${kind} device`, () => {
    const { cases, seconds, description } = deviceReport(kind);
    const failures = cases.filter(({ error }) => error !== undefined);
    assert.equal(failures, []);
    assert.equal(
      cases.map(({ name }) => name),
      opCases().map(({ name }) => name),
    );
    assert.ok(cases.length > 0);
    console.log(`\n  ${cases.length} cases in ${seconds.toFixed(1)} s: ${description}`);
  });
}

browserTest('it decodes images to the pixels that Node gets', async () => {
  const expected = await Promise.all(
    images.map((path) => fingerprint(decodeImage(readFileSync(path), path))),
  );
  assert.equal(report.fingerprints, expected);
});

for (const beam of beams) {
  browserTest(`it captions the photograph in Node's words on both devices, beam ${beam}`, () => {
    const command = ['dist/caption.js', '--model', model, '--device', 'cpu', '--beam', `${beam}`, '--json'];
    const node = spawnSync(process.execPath, [...command, photograph], { encoding: 'utf8' });
    assert.is(node.status, 0, node.stderr);
    const [expected]: { caption: string; score: number }[] = JSON.parse(node.stdout);
    assert.match(expected.caption, /^\w+ \w+/);
    for (const kind of kinds) {
      const { captions, leaked } = deviceReport(kind);
      if (typeof captions === 'string') throw new Error(`on ${kind}: ${captions}`);
      const written = captions.find((candidate) => candidate.beam === beam);
      assert.ok(written);
      assert.is(written.caption, expected.caption, kind);
      const difference = Math.abs(written.logProbability - expected.score);
      assert.ok(difference < 1e-3, `${kind}: ${written.logProbability} instead of ${expected.score}`);
      assert.is(leaked, 0, `storages left on ${kind}`);
      console.log(`\n  ${kind}: ${written.caption} (${written.seconds.toFixed(1)} s)`);
    }
  });
}

for (const isolated of [true, false]) {
  const what = isolated ? 'an isolated page computes with threads' : 'a page without isolation says why not';
  browserTest(what, async () => {
    const threadsServer = await startStaticServer({ isolated });
    const opened = await openPage(browser, `${threadsServer.origin}/test/browser/threads.html`);
    try {
      const { description, sums, expected } = await opened.page.evaluate(() => window.threads);
      assert.equal(sums, [expected]);
      if (isolated) assert.match(description, /3 threads$/);
      else assert.match(description, /one thread \(this page is not cross-origin isolated: .*headers/);
      // Chromium of any age that runs these tests fuses; Node 20 does not, so this is the build that only this page runs.
      assert.match(description, /fused multiply-add/);
      assert.equal(opened.complaints, []);
    } finally {
      await opened.close();
      await threadsServer.close();
    }
  });
}

browserTest('a page profiles its WebGPU device, and tunes it for later visits', async () => {
  const opened = await openPage(browser, `${server.origin}/test/browser/measure.html`);
  try {
    const { clock, rows, flops, calls, place, descriptions } = await opened.page.evaluate(
      () => window.measure,
    );
    assert.is(clock, 'gpu');
    assert.is(rows.length, 1);
    assert.equal([rows[0].op, rows[0].calls, rows[0].flops], ['matmul', 5, 5 * flops]);
    assert.equal(calls.map(({ op }) => op), ['matmul']); // biome-ignore format: one line
    assert.is(rows[0].variant, calls[0].variant, 'the tuned variant is taken');
    assert.match(place, `the local storage of ${server.origin}`);
    assert.not.match(descriptions[0], 'tuned');
    assert.match(descriptions[1], ', 1 tuned choices');
    assert.equal(opened.complaints, []);
  } finally {
    await opened.close();
  }
});

browserTest('the console is empty of errors and warnings', () => {
  assert.equal(opened.complaints, []);
});

test.after(async () => {
  await opened?.close();
  await server?.close();
});

test.run();
