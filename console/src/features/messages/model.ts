/** What a message shows, whatever it came from: template preview, delivery, inbox, simulated phone. */
export type MediaKind = "image" | "video" | "audio" | "document" | "sticker";
export type Media = {
  kind: MediaKind;
  src?: string | undefined;
  filename?: string | undefined;
  size?: string | undefined;
  voice?: boolean;
};
export type Header =
  | { kind: "text"; text: string }
  | { kind: "media"; media: Media }
  | { kind: "location"; place: Place };
export type Place = {
  name?: string | undefined;
  address?: string | undefined;
  latitude?: number | undefined;
  longitude?: number | undefined;
};
export type ButtonKind = "reply" | "url" | "phone" | "copy" | "form" | "request";
export type MessageButton = {
  kind: ButtonKind;
  text: string;
  index: number;
  id?: string | undefined;
  url?: string | undefined;
  code?: string | undefined;
  payload?: string | undefined;
};
export type ListRow = { section: string; id: string; title: string; description?: string | undefined };
export type ContactCard = { name: string; lines: string[] };
export type OrderLine = { name: string; quantity: number; price: string };

export type MessageBody = {
  text: string;
  header?: Header | undefined;
  footer?: string | undefined;
  buttons?: MessageButton[] | undefined;
  list?: { button: string; rows: ListRow[] } | undefined;
  cards?: MessageBody[] | undefined;
  media?: Media | undefined;
  place?: Place | undefined;
  contacts?: ContactCard[] | undefined;
  order?: OrderLine[] | undefined;
  offer?: { text: string; expired: boolean } | undefined;
  unsupported?: string | undefined;
};

export type MessageStatus = "queued" | "accepted" | "sent" | "delivered" | "read" | "failed";
