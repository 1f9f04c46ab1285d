// What the card says of how a model is made, from its config.json.

/** How the image becomes numbers, and how words come of them. Throws for a kind of model that has no words here. */
export function architectureText({ encoder, decoder }, count) {
  const { imageSide: side, reduceTo, outputs, projection, pooling } = encoder;
  const reduced = reduceTo
    ? ` (larger ones averaged down to ${reduceTo} × ${reduceTo} before, the size of the training images)`
    : '';
  const looks = `An InceptionV3 looks at the image, resized to ${side} × ${side} pixels${reduced}`;
  const writes = `chooses word after word out of ${count(decoder.vocabulary)}, at most ${decoder.maximumLength} in a caption.`;
  if (decoder.initialState !== 'dense' || !projection) throw unknownKind();
  if (pooling === 'average' && !decoder.attention) {
    return `${looks}; the outputs of ${outputs.join(' and ')} are averaged
over its places, and of the square roots, standardised, a dense layer makes ${projection.units} numbers. With these and the word
before (${decoder.embedding} numbers), an LSTM of ${decoder.units} units ${writes}`;
  }
  if (pooling === 'grid' && decoder.attention?.gate) {
    return `${looks}. The output of ${outputs[0]} is a grid of
places; of the square roots, standardised, a dense layer makes ${projection.units} numbers a place. Before every word, additive attention
(${decoder.attention.units} units) weighs the places by what was said so far, and a gate lets through, channel by channel, what the word
needs of their weighted mean. With it and the word before (${decoder.embedding} numbers), an LSTM of ${decoder.units} units, which begins from the
mean of all places, ${writes}`;
  }
  throw unknownKind();
}

const unknownKind = () =>
  new Error('config.json is of another kind of model than the words of this script describe');

/** What the way of looking costs. */
export function lookingLimit({ decoder }) {
  return decoder.attention
    ? 'It sees the image squeezed into a square, in a coarse grid: what is small in it is easily missed.'
    : 'It looks at the whole image at once, squeezed into a square: what is small in it is easily missed.';
}
