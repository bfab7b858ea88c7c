"""Limits of what may be sent, in characters unless the name says otherwise.

Source: Cloud API reference, sections 2 (messages), 3 (templates), 4 (media), 11.4 (orders), read 2026-11.
"""

TEXT_BODY_MAX = 4096
CAPTION_MAX = 1024
FILENAME_MAX = 240
URL_MAX = 2000
INTERACTIVE_BODY_MAX = 1024
LIST_BODY_MAX = 4096
HEADER_TEXT_MAX = 60
FOOTER_MAX = 60

BUTTONS_MAX = 3  # reply buttons in one message
BUTTON_TITLE_MAX = 20
BUTTON_ID_MAX = 256
LIST_BUTTON_MAX = 20
LIST_SECTIONS_MAX = 10
LIST_ROWS_MAX = 10  # over all sections together
SECTION_TITLE_MAX = 24
ROW_ID_MAX = 200
ROW_TITLE_MAX = 24
ROW_DESCRIPTION_MAX = 72
CTA_TEXT_MAX = 20
FLOW_CTA_MAX = 30
FLOW_TOKEN_MAX = 256
CALL_TTL_MINUTES_MAX = 43_200
CALL_PAYLOAD_MAX = 512

CARDS_MIN = 2
CARDS_MAX = 10
CARD_BODY_MAX = 160
CARD_LINE_BREAKS_MAX = 2
CARD_BUTTONS_MAX = 2
PRODUCTS_MAX = 30
PRODUCT_SECTIONS_MAX = 10
PRODUCT_ID_MAX = 100
CONTACTS_MAX = 257
PIN_CODE_MAX = 6
EMOJI_MAX = 20  # code points: families and flags are long sequences

TEMPLATE_NAME_MAX = 512
TEMPLATE_TEXT_MAX = 1024
TEMPLATE_PAYLOAD_MAX = 256
TEMPLATE_BUTTON_INDEX_MAX = 9
COUPON_CODE_MAX = 20
OTP_CODE_MAX = 15
TEMPLATE_SPACES_MAX = 4  # in a row, inside a parameter

ORDER_REFERENCE_MAX = {"INR": 35, "BRL": 60}
ORDER_ITEM_NAME_MAX = 60
ORDER_DESCRIPTION_MAX = 120
ORDER_STATUSES = ("pending", "processing", "partially-shipped", "partially_shipped", "shipped", "completed", "canceled")
ORDER_ITEMS_WITH_IMAGE_MAX = 10

MEGABYTE = 1024 * 1024
UPLOAD_MAX_BYTES = 100 * MEGABYTE
MEDIA_MAX_BYTES = {
    "image": 5 * MEGABYTE,
    "video": 16 * MEGABYTE,
    "audio": 16 * MEGABYTE,
    "document": 100 * MEGABYTE,
    "sticker": 500 * 1024,
}
STICKER_STATIC_MAX_BYTES = 100 * 1024
VOICE_ICON_MAX_BYTES = 512 * 1024
MEDIA_MIMES = {
    "image": ("image/jpeg", "image/png"),
    "video": ("video/mp4", "video/3gpp"),
    "audio": ("audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"),
    "document": (
        "text/plain",
        "application/pdf",
        "application/msword",
        "application/vnd.ms-excel",
        "application/vnd.ms-powerpoint",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ),
    "sticker": ("image/webp",),
}
WEBHOOK_BODY_MAX_BYTES = 3 * MEGABYTE
CORRELATION_MAX = 512
