import { useTranslation } from "react-i18next";
import { IconFileText, IconMapPin, IconMicrophone, IconPlayerPlay } from "@/ui";
import c from "./MessageCard.module.css";
import type { Media, Place } from "./model";

/** A drawn stand-in where the picture itself is not at hand: nothing is fetched from outside. */
const Drawing = ({ sticker }: { sticker?: boolean }) => (
  <svg
    viewBox="0 0 320 180"
    className={sticker ? c.sticker : c.media}
    aria-hidden="true"
    preserveAspectRatio="xMidYMid slice"
  >
    <rect width="320" height="180" className={c.artSky} />
    <circle cx="238" cy="58" r="26" className={c.artSun} />
    <path d="M0 150 92 74l62 52 46-34 120 78v10H0z" className={c.artHill} />
  </svg>
);

export function Picture({ media }: { media: Media }) {
  const { t } = useTranslation();
  if (media.kind === "audio") {
    return (
      <div className={c.audio}>
        {media.src ? (
          // biome-ignore lint/a11y/useMediaCaption: a voice note has no captions
          <audio controls src={media.src} aria-label={t("message.audio")} />
        ) : (
          <>
            <span className={c.play}>
              <IconMicrophone size={18} aria-hidden="true" />
            </span>
            <svg viewBox="0 0 150 24" className={c.wave} aria-hidden="true">
              <path d="M4 12v0M12 8v8M20 4v16M28 9v6M36 2v20M44 7v10M52 10v4M60 5v14M68 8v8M76 3v18M84 9v6M92 6v12M100 10v4M108 4v16M116 8v8M124 11v2M132 7v10M140 10v4" />
            </svg>
            <span className={c.srOnly}>{t("message.audio")}</span>
          </>
        )}
      </div>
    );
  }
  if (media.kind === "document") {
    return (
      <div className={c.doc}>
        <IconFileText size={26} aria-hidden="true" />
        <div>
          <b>{media.filename ?? t("message.document")}</b>
          <small>{media.size ?? t("message.document")}</small>
        </div>
      </div>
    );
  }
  if (media.kind === "video") {
    return (
      <div className={c.video} role="img" aria-label={t("message.video")}>
        <Drawing />
        <span>
          <IconPlayerPlay size={22} aria-hidden="true" />
        </span>
      </div>
    );
  }
  const label = media.kind === "sticker" ? t("message.sticker") : t("message.image");
  if (media.src) return <img className={media.kind === "sticker" ? c.sticker : c.media} src={media.src} alt={label} />;
  return (
    <div role="img" aria-label={label}>
      <Drawing sticker={media.kind === "sticker"} />
    </div>
  );
}

export function PlaceCard({ place }: { place: Place }) {
  const { t } = useTranslation();
  const at =
    place.latitude === undefined || place.longitude === undefined
      ? ""
      : `${place.latitude.toFixed(4)}, ${place.longitude.toFixed(4)}`;
  return (
    <div className={c.place}>
      <svg viewBox="0 0 320 120" className={c.map} aria-hidden="true" preserveAspectRatio="xMidYMid slice">
        <rect width="320" height="120" className={c.artSky} />
        <path d="M-10 90 90 40l90 46 150-60M60-10l40 150M220-10l-30 150" className={c.road} />
      </svg>
      <span className={c.pin}>
        <IconMapPin size={24} aria-hidden="true" />
      </span>
      <div className={c.placeText}>
        <b>{place.name ?? t("message.location")}</b>
        <small className="tnum">{place.address ?? at}</small>
      </div>
    </div>
  );
}
