// The demo page: shows a picture, asks the captioner's worker about it, and tells what it said.
import { CaptionerWorker, clearModelCache, drawHeatMap } from './lib/worker.js';

const model = 'models/flickr8k';
const examples = ['cat', 'coffee', 'astronaut', 'rocket', 'photographer'];

const byId = (id) => document.getElementById(id);
const picture = byId('picture');
const heat = byId('heat');
const video = byId('video');

/** The worker, from its first use until the device is changed or it fails. */
let starting = null;
/** Ends the caption before, when another picture comes. */
let running = new AbortController();
let camera = null;

function say(text) {
  byId('caption').textContent = text;
}

function showError(error) {
  byId('error').textContent = error.message;
  byId('error').hidden = false;
  say('');
}

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

/** One bar for all of the model's files, whose sizes become known as they begin. */
function progressOf() {
  const files = new Map();
  return ({ file, loaded, total }) => {
    files.set(file, [loaded, total ?? loaded]);
    const sum = (which) => [...files.values()].reduce((all, sizes) => all + sizes[which], 0);
    const [come, all] = [sum(0), sum(1)];
    byId('download').hidden = come === all;
    byId('bar').value = all === 0 ? 0 : come / all;
    byId('downloading').textContent = `Getting the model, once: ${megabytes(come)} of ${megabytes(all)}`;
  };
}

function captioner() {
  starting ??= CaptionerWorker.start({
    model,
    prefer: byId('device').value,
    onProgress: progressOf(),
  }).catch((error) => {
    starting = null;
    byId('download').hidden = true;
    throw error;
  });
  return starting;
}

function stopWorker() {
  running.abort();
  starting?.then((worker) => worker.close()).catch(() => undefined);
  starting = null;
}

function showFacts({ milliseconds, memory, meanLogProbability, description }) {
  const facts = {
    Device: description,
    Time: `${milliseconds.toFixed(0)} ms`,
    Memory: `${megabytes(memory.liveBytes + memory.pooledBytes)} on the device`,
    Confidence: `${meanLogProbability.toFixed(2)} mean log-probability of a word`,
  };
  byId('facts').replaceChildren(
    ...Object.entries(facts).flatMap(([name, value]) => {
      const [term, text] = [document.createElement('dt'), document.createElement('dd')];
      term.textContent = name;
      text.textContent = value;
      return [term, text];
    }),
  );
}

function showAlternatives({ alternatives }) {
  byId('alternatives').replaceChildren(
    ...alternatives.map(({ caption, logProbability }) => {
      const line = document.createElement('li');
      line.textContent = `${caption} (${(100 * Math.exp(logProbability)).toPrecision(2)} %)`;
      return line;
    }),
  );
}

/** The words as buttons that show where each looked: by pointer, by focus, by arrow keys. */
function showWords({ caption, attention }) {
  const bar = byId('words');
  bar.hidden = !attention;
  heat.hidden = true;
  if (!attention) return;
  const buttons = caption.split(' ').map((word, number) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = word;
    button.tabIndex = number === 0 ? 0 : -1;
    const show = () => {
      drawHeatMap(heat, attention, attention.weights[number]);
      heat.hidden = false;
      for (const other of buttons) other.setAttribute('aria-pressed', String(other === button));
      byId('note').textContent = `Bright is where it looked for “${word}”.`;
    };
    button.addEventListener('focus', show);
    button.addEventListener('pointerenter', show);
    return button;
  });
  bar.replaceChildren(...buttons);
  bar.onkeydown = ({ key }) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[key];
    const at = buttons.indexOf(document.activeElement);
    if (!step || at < 0) return;
    buttons[(at + step + buttons.length) % buttons.length].focus();
  };
  bar.onpointerleave = () => {
    heat.hidden = true;
    byId('note').textContent = 'Point at a word to see where the model looked for it.';
  };
  byId('note').textContent = 'Point at a word to see where the model looked for it.';
}

/** Describes a picture; a newer one takes its place. */
async function describe(image, { live = false } = {}) {
  running.abort();
  running = new AbortController();
  const { signal } = running;
  byId('error').hidden = true;
  byId('words').hidden = true;
  heat.hidden = true;
  byId('note').textContent = '';
  if (!live) say('…');
  try {
    const worker = await captioner();
    if (signal.aborted) return;
    const attention = worker.config.decoder.attention !== null;
    const answer = await worker.caption(image, {
      top: 3,
      attention,
      signal,
      onWord: live ? undefined : say,
    });
    say(answer.unsure ? `not sure: ${answer.caption}` : answer.caption);
    picture.setAttribute('aria-label', `Picture: ${answer.caption}`);
    showAlternatives(answer);
    showFacts({ ...answer, description: worker.description });
    if (!live) showWords(answer);
  } catch (error) {
    if (!signal.aborted) showError(error);
  }
}

/** Shows a file and describes it. */
async function take(file) {
  stopCamera();
  byId('hint').hidden = true;
  try {
    const bitmap = await createImageBitmap(file);
    [picture.width, picture.height] = [bitmap.width, bitmap.height];
    picture.getContext('2d').drawImage(bitmap, 0, 0);
    bitmap.close();
  } catch {
    // The worker says what is wrong with it.
  }
  await describe(file);
}

function stopCamera() {
  for (const track of camera?.getTracks() ?? []) track.stop();
  camera = null;
  video.hidden = true;
  byId('camera').setAttribute('aria-pressed', 'false');
}

/** Captions what the camera sees, as fast as the device allows. */
async function startCamera() {
  try {
    camera = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
  } catch (error) {
    return showError(new Error(`The camera cannot be used: ${error.message}. Choose a picture instead.`));
  }
  byId('camera').setAttribute('aria-pressed', 'true');
  byId('hint').hidden = true;
  video.srcObject = camera;
  video.hidden = false;
  await video.play();
  while (camera) {
    const start = performance.now();
    await describe(video, { live: true });
    byId('note').textContent = `${(1000 / (performance.now() - start)).toFixed(1)} pictures a second`;
    if (!byId('error').hidden) stopCamera();
  }
}

for (const name of examples) {
  const button = document.createElement('button');
  button.type = 'button';
  const image = new Image();
  image.src = `images/${name}.jpg`;
  image.alt = `Example: ${name}`;
  button.append(image);
  button.addEventListener('click', async () => take(await (await fetch(image.src)).blob()));
  byId('examples').append(button);
}

byId('file').addEventListener('change', ({ target }) => {
  if (target.files.length > 0) void take(target.files[0]);
  target.value = '';
});
byId('camera').addEventListener('click', () => (camera ? stopCamera() : startCamera()));
byId('device').addEventListener('change', stopWorker);
byId('clear').addEventListener('click', async () => {
  stopWorker();
  const held = await clearModelCache();
  byId('note').textContent = held ? 'The model is forgotten.' : 'There was no model to forget.';
});

const frame = document.querySelector('figure');
const drop = byId('drop');
drop.addEventListener('dragover', (event) => {
  event.preventDefault();
  frame.classList.add('over');
});
drop.addEventListener('dragleave', () => frame.classList.remove('over'));
drop.addEventListener('drop', (event) => {
  event.preventDefault();
  frame.classList.remove('over');
  const [file] = event.dataTransfer.files;
  if (file) void take(file);
});
addEventListener('paste', ({ clipboardData }) => {
  const file = [...clipboardData.files].find(({ type }) => type.startsWith('image/'));
  if (file) void take(file);
});
