/** An error of the input: the message names the file, the cause and the remedy, as `BadInputError` in Python does. */
export class BadInput extends Error {
  constructor(message) {
    super(message);
    this.name = "BadInput";
  }
}
