// One line of JSON a test, behind an "@", for tests/run.ts.
const say = (result) => console.log(`@${JSON.stringify(result)}`);

class LineReporter {
  onEnter() {}
  onExit(context, node) {
    if (node.type !== 1) return;
    for (const test of node.groupTests) {
      const text = (value) => value?.stringify({ indent: 0 });
      const detail = test.pass ? "" : `${test.message} expected ${text(test.expected)}, got ${text(test.actual)}`;
      say({ file: context.fileName, name: `${node.name}: ${test.name}`, pass: test.pass, detail });
    }
  }
  onFinish(context) {
    for (const e of context.errors ?? [])
      say({ file: context.fileName, name: String(e.type), pass: false, detail: e.message });
  }
}
export default new LineReporter();
