// Events to begin with: some that are taken by few, one that is taken by none, one that is refused.

const RESULT = {
  type: "ContentFlagged",
  contentId: "img-9001",
  contentType: "image",
  modelName: "vision-moderator-v3",
  modelVersion: "3.2.1",
  confidence: 0.91,
  category: "violence",
  severity: "high",
  reviewRequired: true,
};
const ESCALATED = {
  type: "ReviewEscalated",
  contentId: "doc-3301",
  contentType: "text",
  modelName: "text-moderator-v2",
  modelVersion: "2.4.0",
  confidence: 0.52,
  category: "self-harm",
  severity: "high",
  reviewRequired: true,
  escalationReason: "Low confidence on sensitive content",
};
const text = (content) => JSON.stringify(content, null, 2);

/** [label, () => text] of each. */
export const samples = [
  ["a flagged image", () => text(RESULT)],
  ["an approved text", () => text({ ...RESULT, type: "ContentApproved", contentId: "doc-1137", contentType: "text", category: "safe", severity: "none", reviewRequired: false })],
  ["an escalated review", () => text(ESCALATED)],
  ["a CloudEvent of another type", () => text(envelope())],
  ["a result with mistakes", () => text({ ...RESULT, contentId: "", confidence: 1.7 })],
];

function envelope() {
  const { type, ...data } = RESULT;
  return {
    specversion: "1.0",
    id: crypto.randomUUID(),
    source: "/services/content-moderation",
    type: `com.contoso.ai.${type}Again`,
    subject: `/content/images/${data.contentId}`,
    time: new Date().toISOString(),
    datacontenttype: "application/json",
    data: { ...data, timestamp: new Date().toISOString() },
  };
}
