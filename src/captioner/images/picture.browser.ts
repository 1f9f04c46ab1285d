import { ImageError } from '../../kernels/op/errors.ts';
import { fileFormat } from './file-format.ts';
import { checkSize, overWhite, type Picture, type RgbImage } from './rgb-image.ts';

/** The pixels of a picture, by the browser's own decoder and canvas. */
export async function pixelsOf(picture: Picture): Promise<RgbImage> {
  if (picture instanceof Blob) return fromFile(picture);
  if (picture instanceof ImageData)
    return { width: picture.width, height: picture.height, data: overWhite(picture.data) };
  if (!isDrawable(picture)) {
    throw new ImageError(
      `toRgbImage: ${String(picture)} was given; give a Blob or File, an image, canvas or video element, an ImageBitmap, ` +
        'an ImageData, a VideoFrame, or { width, height, data }',
    );
  }
  // An image that is still being loaded has no size.
  if (globalThis.HTMLImageElement && picture instanceof HTMLImageElement) {
    await picture.decode().catch(() => undefined);
  }
  return drawn(picture, ...sizeOf(picture));
}

type Drawable = Exclude<Picture, Blob | ImageData>;

/** Worker scopes lack the elements' classes, and some browsers VideoFrame. */
function isDrawable(picture: unknown): picture is Drawable {
  const { ImageBitmap, OffscreenCanvas, HTMLImageElement, HTMLCanvasElement, HTMLVideoElement, VideoFrame } =
    globalThis;
  return [
    ImageBitmap,
    OffscreenCanvas,
    HTMLImageElement,
    HTMLCanvasElement,
    HTMLVideoElement,
    VideoFrame,
  ].some((kind) => kind !== undefined && picture instanceof kind);
}

function sizeOf(picture: Drawable): [width: number, height: number] {
  if ('naturalWidth' in picture) return [picture.naturalWidth, picture.naturalHeight];
  if ('videoWidth' in picture) return [picture.videoWidth, picture.videoHeight];
  if ('displayWidth' in picture) return [picture.displayWidth, picture.displayHeight];
  return [picture.width, picture.height];
}

async function fromFile(file: Blob): Promise<RgbImage> {
  const name = 'name' in file ? String(file.name) : 'the image';
  if (file.size === 0) throw new ImageError(`${name} is empty (0 bytes). Get an intact copy of the file.`);
  let bitmap: ImageBitmap;
  try {
    // Profiles are not applied, as decodeImage does not: the network learnt from plain numbers.
    bitmap = await createImageBitmap(file, { imageOrientation: 'from-image', colorSpaceConversion: 'none' });
  } catch (cause) {
    const { label } = fileFormat(new Uint8Array(await file.slice(0, 4096).arrayBuffer()));
    throw new ImageError(
      `${name} is ${label}, which this browser cannot decode: it is damaged, or of a format that it does not know. ` +
        'Give an intact JPEG or PNG.',
      { cause },
    );
  }
  try {
    return drawn(bitmap, bitmap.width, bitmap.height, name);
  } finally {
    bitmap.close();
  }
}

function drawn(picture: Drawable, width: number, height: number, name = 'the picture'): RgbImage {
  if (width === 0 || height === 0) {
    throw new ImageError(
      `${name} has no pixels (${width}×${height}): it has not loaded, or loading it failed.`,
    );
  }
  checkSize(width, height, 'picture', name);
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { colorSpace: 'srgb', willReadFrequently: true });
  if (!context)
    throw new ImageError(`${name}: the browser gives no canvas of ${width}×${height}. Scale it down first.`);
  context.fillStyle = 'white';
  context.fillRect(0, 0, width, height);
  context.drawImage(picture, 0, 0, width, height);
  try {
    return { width, height, data: overWhite(context.getImageData(0, 0, width, height).data) };
  } catch (cause) {
    throw new ImageError(
      `${name} is of another site, which does not let its pixels be read. Serve it with Access-Control-Allow-Origin and set ` +
        'crossorigin="anonymous" on the element.',
      { cause },
    );
  }
}
