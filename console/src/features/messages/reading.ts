import type { ButtonKind, ContactCard, Header, Media, MediaKind, MessageBody, MessageButton, Place } from "./model";

type Json = Record<string, unknown>;
const json = (value: unknown): Json =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {};
const list = (value: unknown): Json[] => (Array.isArray(value) ? value.map(json) : []);
const text = (value: unknown): string | undefined => (typeof value === "string" && value ? value : undefined);
const number = (value: unknown): number | undefined => (typeof value === "number" ? value : undefined);

const MEDIA: ReadonlySet<string> = new Set(["image", "video", "audio", "document", "sticker"]);
const isMedia = (kind: string): kind is MediaKind => MEDIA.has(kind);

const BUTTONS: Record<string, ButtonKind> = {
  reply: "reply",
  quick_reply: "reply",
  url: "url",
  phone_number: "phone",
  voice_call: "phone",
  copy_code: "copy",
  otp: "copy",
  flow: "form",
};

export const readPlace = (value: unknown): Place => {
  const place = json(value);
  return {
    name: text(place.name),
    address: text(place.address),
    latitude: number(place.latitude),
    longitude: number(place.longitude),
  };
};

const readMedia = (kind: MediaKind, value: unknown): Media => {
  const media = json(value);
  const asset = text(media.asset_id) ?? text(json(media.media).asset_id);
  return {
    kind,
    filename: text(media.filename),
    src: asset ? `/v1/media/${asset}/content` : undefined,
    voice: media.voice === true,
  };
};

function readHeader(value: unknown): Header | undefined {
  const header = json(value);
  const kind = String(header.type ?? header.kind ?? header.format ?? "").toLowerCase();
  if (kind === "text") return { kind: "text", text: String(header.text ?? "") };
  if (kind === "location") return { kind: "location", place: readPlace(header.location ?? header) };
  if (isMedia(kind)) return { kind: "media", media: readMedia(kind, header[kind] ?? header) };
  return undefined;
}

function readButtons(value: unknown): MessageButton[] {
  return list(value).map((button, index) => ({
    kind: BUTTONS[String(button.type ?? "reply").toLowerCase()] ?? "request",
    text: String(button.text ?? button.title ?? button.display_text ?? ""),
    index: number(button.index) ?? index,
    id: text(button.id),
    url: text(button.url),
    code: text(button.code),
    payload: text(button.payload),
  }));
}

const readContacts = (value: unknown): ContactCard[] =>
  list(value).map((contact) => ({
    name: String(json(contact.name).formatted_name ?? json(contact.name).first_name ?? ""),
    lines: list(contact.phones).map((phone) => String(phone.phone ?? phone.wa_id ?? "")),
  }));

/** A message as the simulator's chat shows it. */
export function fromChat(message: Json): MessageBody {
  const shown = String(message.text ?? "");
  const placeholder = /^\[[a-z_]+\]$/.test(shown);
  const media = json(message.media);
  const rows = list(message.rows);
  const cards = list(message.cards);
  const kind = String(media.type ?? "");
  const order = json(message.order);
  const readable = message.location || message.contacts || message.order;
  return {
    text: placeholder ? "" : shown,
    header: message.header ? readHeader(message.header) : undefined,
    footer: text(message.footer),
    buttons: cards.length ? undefined : readButtons(message.buttons),
    list: rows.length
      ? {
          button: String(message.list_button ?? ""),
          rows: rows.map((row) => ({
            section: String(row.section ?? ""),
            id: String(row.id),
            title: String(row.title),
            description: text(row.description),
          })),
        }
      : undefined,
    cards: cards.length
      ? cards.map((card) => ({ ...fromChat({ ...card, text: card.text ?? card.body }), cards: undefined }))
      : undefined,
    media: isMedia(kind) ? readMedia(kind, media) : undefined,
    place: message.location ? readPlace(message.location) : undefined,
    contacts: message.contacts ? readContacts(message.contacts) : undefined,
    order: message.order
      ? list(order.product_items).map((item) => ({
          name: String(item.product_retailer_id ?? ""),
          quantity: number(item.quantity) ?? 1,
          price: `${item.item_price ?? ""} ${item.currency ?? ""}`.trim(),
        }))
      : undefined,
    offer: message.offer ? { text: String(json(message.offer).text ?? ""), expired: false } : undefined,
    unsupported: placeholder && !readable ? shown.slice(1, -1) : undefined,
  };
}

/** The stored content of a delivery; a template's shape comes from its components, its text is already filled in. */
export function fromContent(content: Json | null, body: string | null, components: readonly Json[] = []): MessageBody {
  const stored = content ?? {};
  const kind = String(stored.type ?? "text");
  const shape = (name: string) => components.find((part) => String(part.type).toUpperCase() === name);
  if (kind === "template" || components.length) {
    const header = shape("HEADER");
    const cards = list(shape("CAROUSEL")?.cards);
    return {
      text: body ?? String(shape("BODY")?.text ?? ""),
      header: header ? readHeader(header) : undefined,
      footer: text(shape("FOOTER")?.text),
      buttons: readButtons(shape("BUTTONS")?.buttons),
      cards: cards.length
        ? cards.map((card) => fromContent({ type: "template" }, null, list(card.components)))
        : undefined,
    };
  }
  const sections = list(stored.sections);
  const cards = list(stored.cards);
  return {
    text: body ?? String(stored.body ?? stored.caption ?? ""),
    header: stored.header ? readHeader(stored.header) : undefined,
    footer: text(stored.footer),
    buttons: stored.url
      ? [
          {
            kind: "url",
            text: String(stored.display_text ?? stored.title ?? stored.url),
            index: 0,
            url: String(stored.url),
          },
        ]
      : readButtons(stored.buttons),
    list: sections.length
      ? {
          button: String(stored.button ?? ""),
          rows: sections.flatMap((section) =>
            list(section.rows).map((row) => ({
              section: String(section.title ?? ""),
              id: String(row.id),
              title: String(row.title),
              description: text(row.description),
            })),
          ),
        }
      : undefined,
    cards: cards.length ? cards.map((card) => fromContent(card, null)) : undefined,
    media: isMedia(kind)
      ? readMedia(kind, { ...json(stored.media), filename: stored.filename, voice: stored.voice })
      : undefined,
    place: kind === "location" ? readPlace(stored) : undefined,
    contacts: kind === "contacts" ? readContacts(stored.contacts) : undefined,
  };
}

/** An inbound message as the product stored it. */
export function fromStored(kind: string, words: string | null, data: Json): MessageBody {
  const part = json(data[kind]);
  const body: MessageBody = { text: words ?? "" };
  if (isMedia(kind)) body.media = readMedia(kind, { ...part, ...data });
  else if (kind === "location") body.place = readPlace(Object.keys(part).length ? part : data);
  else if (kind === "contacts") body.contacts = readContacts(data.contacts);
  else if (!words) body.unsupported = kind;
  return body;
}
