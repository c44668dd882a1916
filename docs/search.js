// Material's search takes every word for the beginning of one: "on" would find "one", and "interval?" nothing.
// So words without content and punctuation are left out of what the search is asked (message type 2: a query).
const EMPTY = new Set(
  ("a an and are as at be by can do does for from how i if in is it me my no not of on or our so that the there this to " +
    "was we what when where which who why will with you your").split(" ")
);
const post = Worker.prototype.postMessage;
Worker.prototype.postMessage = function (message, ...more) {
  if (message && message.type === 2 && typeof message.data === "string") {
    const words = message.data.replace(/[?!,.;:]+(?=\s|$)/g, "").split(/\s+/);
    const kept = words.filter((word) => !EMPTY.has(word.toLowerCase()));
    message = { ...message, data: (kept.length ? kept : words).join(" ") };
  }
  return post.call(this, message, ...more);
};
