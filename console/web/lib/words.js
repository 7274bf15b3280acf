// What an answer without a body means. The Functions host sends none with its own 401, 403, 404 and 500.

const BARE = {
  401: ["A function key is needed", "This call needs a valid function key.", "Enter a function key in the form at the top of the page."],
  403: ["Not permitted", "Your key or account is valid, but does not allow this.", "Use a key or an account that does, or ask whoever runs this app."],
  404: ["No such function", "The Functions host is up but knows no function at this address: it may be switched off, or the app could not be loaded.", "Look at the host's log for a traceback, and at the app settings for AzureWebJobs_…_Disabled."],
  413: ["Too large", "The body is larger than the host allows.", "Publish fewer events at once."],
  429: ["Too many requests", "The app is receiving more requests than it can handle at once.", "Wait a moment and try again."],
  500: ["The function failed", "A function ended without an answer.", "The traceback is in the host's log."],
  502: ["No answer from the app", "Something between this page and the app got no answer from it.", "Check that the app is running, and try again in a moment."],
  503: ["The Functions host is not ready", "It is starting, or an error stopped it.", "Try again in a moment. If it stays, GET /admin/host/status says why."],
  504: ["No answer in time", "Something between this page and the app timed out.", "The request may still be carried out: look at the latest entries before you try again."],
};

/** The problem that a bare status stands for. */
export function bareStatus(status) {
  const [title, detail, next] = BARE[status] ?? [
    status >= 500 ? "The app failed" : "The call was refused",
    `The answer has status ${status} and does not say why.`,
    "Look at the host's log.",
  ];
  return { title, detail, next };
}

/** The problem when there was no answer at all. */
export function noAnswer(error, patience) {
  if (error.name === "TimeoutError") {
    return {
      title: "No answer in time",
      detail: `There was no answer within ${patience} seconds.`,
      next: "The request may still be carried out: look at the latest entries before you try again.",
    };
  }
  return {
    title: "The app cannot be reached",
    detail: "The connection was refused or broke off.",
    next: "Check that the Functions host still runs (on this machine: python3 dev.py run), and the network. This page keeps trying.",
  };
}

/** The problem when an answer is good but is not JSON. */
export function notJson(status) {
  return {
    title: "Invalid answer",
    detail: `The answer has status ${status} but is not JSON: something other than this app may have answered.`,
    next: "Check what serves this address.",
  };
}
