// A channel of news that tests open, close and speak through, in place of the browser's EventSource.
export class Line extends EventTarget {
  static open: Line[] = [];
  constructor() {
    super();
    Line.open.push(this);
  }
  close(): void {
    Line.open = Line.open.filter((one) => one !== this);
  }
}
