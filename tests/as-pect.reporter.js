// One line of JSON a test, behind an "@", for tests/run.ts.
class LineReporter {
  onEnter() {}
  onExit(context, node) {
    if (node.type !== 1) return;
    for (const test of node.groupTests) {
      const detail = test.pass ? "" : `${test.message} expected ${test.expected?.stringify({ indent: 0 })}, got ${test.actual?.stringify({ indent: 0 })}`;
      console.log(`@${JSON.stringify({ file: context.fileName, name: `${node.name}: ${test.name}`, pass: test.pass, detail })}`);
    }
  }
  onFinish(context) {
    for (const e of context.errors ?? []) console.log(`@${JSON.stringify({ file: context.fileName, name: String(e.type), pass: false, detail: e.message })}`);
  }
}
export default new LineReporter();
