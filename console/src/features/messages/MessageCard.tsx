import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import {
  IconAddressBook,
  IconArrowBackUp,
  IconClock,
  IconCopy,
  IconExternalLink,
  IconFileText,
  IconList,
  IconMapPin,
  IconPhone,
  IconShoppingBag,
} from "@/ui";
import { ChatText } from "./ChatText";
import c from "./MessageCard.module.css";
import type { ButtonKind, ListRow, MessageBody, MessageButton, MessageStatus } from "./model";
import { Picture, PlaceCard } from "./Picture";
import { StatusTicks } from "./StatusTicks";

const ICON = {
  reply: IconArrowBackUp,
  url: IconExternalLink,
  phone: IconPhone,
  copy: IconCopy,
  form: IconFileText,
  request: IconMapPin,
} satisfies Record<ButtonKind, unknown>;
const CUT = 768; // characters after which the app folds a text

type Props = {
  body: MessageBody;
  mine: boolean;
  at?: string | undefined;
  status?: MessageStatus | undefined;
  quoted?: string | undefined;
  reaction?: string | undefined;
  onButton?: ((button: MessageButton) => void) | undefined;
  onRow?: ((row: ListRow) => void) | undefined;
};

/** The one renderer of messages: what is previewed is what is shown. */
export function MessageCard({ body, mine, at, status, quoted, reaction, onButton, onRow }: Props) {
  const buttons = body.buttons ?? [];
  const more = buttons.length > 0 || Boolean(body.list);
  return (
    <div className={c.stack} data-mine={mine || undefined} data-cards={body.cards ? true : undefined}>
      <div className={c.bubble} data-flat={more || undefined} data-bare={body.media?.kind === "sticker" || undefined}>
        {quoted && <div className={c.quoted}>{quoted}</div>}
        <Inside body={body} />
        <div className={c.meta}>
          {at && <time>{at}</time>}
          {status && <StatusTicks status={status} />}
        </div>
      </div>
      {body.list && <ListButton label={body.list.button} rows={body.list.rows} onRow={onRow} />}
      {buttons.map((button) => (
        <CardButton key={button.index} button={button} className={c.btn ?? ""} onButton={onButton} />
      ))}
      {body.cards && <Carousel cards={body.cards} onButton={onButton} />}
      {reaction && <span className={c.reaction}>{reaction}</span>}
    </div>
  );
}

function Inside({ body }: { body: MessageBody }) {
  const { t } = useTranslation();
  const [whole, setWhole] = useState(false);
  const text = !whole && body.text.length > CUT ? `${body.text.slice(0, CUT)}…` : body.text;
  return (
    <>
      {body.header?.kind === "media" && <Picture media={body.header.media} />}
      {body.header?.kind === "location" && <PlaceCard place={body.header.place} />}
      {body.header?.kind === "text" && (
        <div className={c.htext}>
          <ChatText text={body.header.text} />
        </div>
      )}
      {body.media && <Picture media={body.media} />}
      {body.place && <PlaceCard place={body.place} />}
      {body.contacts?.map((contact) => (
        <div className={c.doc} key={contact.name}>
          <IconAddressBook size={24} aria-hidden="true" />
          <div>
            <b>{contact.name}</b>
            {contact.lines.map((line) => (
              <small key={line}>{line}</small>
            ))}
          </div>
        </div>
      ))}
      {body.order && (
        <div className={c.doc}>
          <IconShoppingBag size={24} aria-hidden="true" />
          <div>
            <b>{t("message.order")}</b>
            {body.order.map((line) => (
              <small key={line.name}>
                {line.quantity} × {line.name} {line.price}
              </small>
            ))}
          </div>
        </div>
      )}
      {body.offer && (
        <div className={c.offer} data-expired={body.offer.expired || undefined}>
          <IconClock size={16} aria-hidden="true" /> {body.offer.text}
        </div>
      )}
      {text && (
        <div className={c.text}>
          <ChatText text={text} />
          {text !== body.text && (
            <button type="button" className={c.readMore} onClick={() => setWhole(true)}>
              {t("message.readMore")}
            </button>
          )}
        </div>
      )}
      {body.unsupported && <div className={c.footer}>{t("message.unsupported", { kind: body.unsupported })}</div>}
      {body.footer && <div className={c.footer}>{body.footer}</div>}
    </>
  );
}

function CardButton({
  button,
  className,
  onButton,
}: {
  button: MessageButton;
  className: string;
  onButton: Props["onButton"];
}) {
  const Icon = ICON[button.kind];
  return (
    <button type="button" className={className} disabled={!onButton} onClick={() => onButton?.(button)}>
      <Icon size={16} stroke={1.8} aria-hidden="true" /> {button.text}
    </button>
  );
}

function Carousel({ cards, onButton }: { cards: MessageBody[]; onButton: Props["onButton"] }) {
  const { t } = useTranslation();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls by keyboard
    <section className={c.cards} tabIndex={0} aria-label={t("message.carousel", { count: cards.length })}>
      {cards.map((card, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: cards keep their place
        <div key={index} className={c.card}>
          <Inside body={card} />
          {card.buttons?.map((button) => (
            <CardButton key={button.index} button={button} className={c.cbtn ?? ""} onButton={onButton} />
          ))}
        </div>
      ))}
    </section>
  );
}

function ListButton({ label, rows, onRow }: { label: string; rows: ListRow[]; onRow: Props["onRow"] }) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  const id = useId();
  const sections = [...new Set(rows.map((row) => row.section))];
  return (
    <>
      <button type="button" className={c.btn} aria-expanded={open} aria-controls={id} onClick={() => setOpen(!open)}>
        <IconList size={16} aria-hidden="true" /> {label || t("message.list")}
      </button>
      {open && (
        <fieldset className={c.sheet} id={id} aria-label={label || t("message.list")}>
          {sections.map((section) => (
            <div key={section}>
              {section && <div className={c.section}>{section}</div>}
              {rows
                .filter((row) => row.section === section)
                .map((row) => (
                  <button
                    type="button"
                    key={row.id}
                    className={c.row}
                    disabled={!onRow}
                    onClick={() => {
                      setOpen(false);
                      onRow?.(row);
                    }}
                  >
                    <b>{row.title}</b>
                    {row.description && <small>{row.description}</small>}
                  </button>
                ))}
            </div>
          ))}
        </fieldset>
      )}
    </>
  );
}
