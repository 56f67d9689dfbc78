// Pictures: raw pixels in batches, drawn as they are.
const BATCH_BYTES = 2 << 20, KEEP_BYTES = 256 << 20;

const frames = {
  batches: new Map(),   // 'episode/camera/batch' -> Uint8Array; the oldest first
  loading: new Map(),   // same -> AbortController
  bytes: 0,
  broken: new Map(),    // same -> message
  frameBytes(camera) {
    const [w, h] = S.data.image_sizes[camera];
    return 3 * w * h;
  },
  // of the largest pictures, for all
  get batchSize() {
    const largest = Math.max(1, ...S.data.image_sizes.map(([w, h]) => 3 * w * h));
    return clamp(Math.floor(BATCH_BYTES / largest), 1, 64);
  },

  // The pixels of a frame; null where they are still on their way (asked for where `load`).
  get(episode, camera, step, load = true) {
    const batch = Math.floor(step / this.batchSize), key = `${episode}/${camera}/${batch}`;
    const held = this.batches.get(key);
    if (!held) {
      if (load) this.load(episode, camera, batch, key);
      return null;
    }
    this.batches.delete(key);
    this.batches.set(key, held);
    const at = (step - batch * this.batchSize) * this.frameBytes(camera);
    return held.subarray(at, at + this.frameBytes(camera));
  },
  async load(episode, camera, batch, key) {
    if (this.loading.has(key) || this.broken.has(key)) return;
    const abort = new AbortController();
    this.loading.set(key, abort);
    try {
      const from = batch * this.batchSize;
      const url = `/api/episode/${episode}/frames?camera=${camera}&from=${from}&count=${this.batchSize}`;
      const pixels = new Uint8Array(await askBytes(url, {signal: abort.signal}));
      this.batches.set(key, pixels);
      this.bytes += pixels.length;
      for (const [old, value] of this.batches) {
        if (this.bytes <= KEEP_BYTES || old === key) break;
        this.batches.delete(old);
        this.bytes -= value.length;
      }
      picturesArrived();
    } catch (error) {
      if (error.name !== 'AbortError') {
        this.broken.set(key, error.message);
        showDamage(error.message);
      }
    } finally {
      this.loading.delete(key);
    }
  },
  // What is on its way for other episodes is not waited for.
  leave(wanted) {
    for (const [key, abort] of this.loading) {
      if (!wanted.has(Number(key.split('/')[0]))) abort.abort();
    }
  },
};

// Draws a frame; says whether it was there. The canvas tells which step it shows.
function drawFrame(canvas, episode, camera, step) {
  const pixels = frames.get(episode, camera, step);
  canvas.classList.toggle('late', !pixels);
  if (!pixels) return false;
  const context = canvas.getContext('2d');
  const image = context.createImageData(canvas.width, canvas.height), out = image.data;
  for (let i = 0, o = 0; i < pixels.length; i += 3, o += 4) {
    out[o] = pixels[i];
    out[o + 1] = pixels[i + 1];
    out[o + 2] = pixels[i + 2];
    out[o + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  canvas.dataset.step = step;
  canvas.dataset.episode = episode;
  return true;
}

// A canvas of the pictures' own size, shown in whole multiples of it where they are small.
function pictureCanvas(camera, wanted) {
  const [w, h] = S.data.image_sizes[camera];
  const canvas = el('canvas', {className: 'picture', width: w, height: h});
  sizePicture(canvas, wanted);
  return canvas;
}
function sizePicture(canvas, wanted) {
  const scale = wanted >= canvas.width ? Math.max(1, Math.round(wanted / canvas.width)) : wanted / canvas.width;
  canvas.style.width = `${Math.round(canvas.width * scale)}px`;
  canvas.style.maxWidth = '100%';
}
