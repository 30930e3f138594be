// What customers wrote in HTML mails, as mail programs mark the rest: the forms of each, with words in languages whose attributions
// nobody listed, so that the mark alone decides.
#include <catch2/catch.hpp>

#include "connectors/email/email_message.hpp"
#include "connectors/email/html_text.hpp"
#include "connectors/email/reply_text.hpp"

using namespace usher::connectors::email;

namespace {

std::string reply_in(const std::string& html) {
  const std::string mail = "From: ana@ex.org\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + html;
  const MailDoor door{TenantId("acme"), ConnectorId("support-mail"), {TenantId("acme"), {}}};
  return to_message(door, mail, from_unix_ms(1795287483120)).messages.at(0).text_new;
}

// "On 21 November Example Support wrote:" in Welsh.
const std::string attribution = "Ar 21 Tachwedd, dywedodd Example Support";

std::string gmail(const std::string& above, const std::string& between = "", const std::string& below = "") {
  return "<div dir=\"ltr\">" + above + "</div><br><div class=\"gmail_quote gmail_quote_container\"><div dir=\"ltr\" class=\"gmail_attr\">" + attribution +
         " &lt;<a href=\"mailto:support@ex.com\">support@ex.com</a>&gt;<br></div><blockquote class=\"gmail_quote\" style=\"margin:0px\"><div>Thank you for your order.</div></blockquote>" +
         between + "</div>" + below;
}

std::string outlook_web(const std::string& above, const std::string& below = "") {
  return "<html><body><div class=\"elementToProof\">" + above + "</div><div id=\"appendonsend\"></div>\n<hr style=\"display:inline-block;width:98%\" tabindex=\"-1\">\n"
         "<div id=\"divRplyFwdMsg\" dir=\"ltr\"><font face=\"Calibri\"><b>Oddi wrth:</b> Example Support &lt;support@ex.com&gt;<br><b>Anfonwyd:</b> dydd Sadwrn<br>"
         "<b>At:</b> ana@ex.org<br><b>Pwnc:</b> Archeb</font><div>&nbsp;</div></div><div><p>Thank you for your order.</p><p>Example Support</p></div>" + below + "</body></html>";
}

std::string outlook_windows(const std::string& above) {
  return "<body lang=CY><div class=WordSection1><p class=MsoNormal>" + above + "<o:p></o:p></p><p class=MsoNormal><o:p>&nbsp;</o:p></p><div>"
         "<div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm'><p class=MsoNormal><b><span lang=EN-US>Oddi wrth:</span></b><span lang=EN-US> "
         "Example Support &lt;support@ex.com&gt; <br><b>Anfonwyd:</b> dydd Sadwrn<br><b>At:</b> ana@ex.org<br><b>Pwnc:</b> Archeb<o:p></o:p></span></p></div></div>"
         "<p class=MsoNormal>Thank you for your order.<o:p></o:p></p></div></body>";
}

}  // namespace

TEST_CASE("what mail programs mark as quoted is no part of a reply in any language", "[html][reply]") {
  const std::vector<std::pair<std::string, std::string>> forms{
      {"Gmail", gmail("Where is it?")},
      {"Gmail without an attribution of its own", "<div>Where is it?</div><div class=\"gmail_quote\">" + attribution + "<br><blockquote class=\"gmail_quote\">Thank you.</blockquote></div>"},
      {"Outlook on the web", outlook_web("Where is it?")},
      {"Outlook on telephones", "<div>Where is it?</div><div id=\"mail-editor-reference-message-container\"><div class=\"ms-outlook-mobile-reference-message skipProofing\">"
                                "<div>Oddi wrth: support@ex.com<br>At: ana@ex.org</div><br></div><div>Thank you.</div></div>"},
      {"Outlook for Windows", outlook_windows("Where is it?")},
      {"Outlook for Mac", "<div>Where is it?</div><span id=\"OLK_SRC_BODY_SECTION\"><div><span>Oddi wrth: </span> support@ex.com</div><div>Thank you.</div></span>"},
      {"Yahoo", "<div class=\"ydp1 yahoo-style-wrap\"><div dir=\"ltr\">Where is it?</div></div><div id=\"yahoo_quoted_1234\" class=\"yahoo_quoted\"><div style=\"font-size:13px\">"
                "<div>" + attribution + ":</div><div><br></div><div>Thank you.<blockquote>older</blockquote> Example Support</div></div></div>"},
      {"Thunderbird", "<p>Where is it?</p><div class=\"moz-cite-prefix\">" + attribution + ":<br></div><blockquote type=\"cite\" cite=\"mid:x@ex.com\">Thank you.</blockquote>"},
      {"Proton Mail", "<div>Where is it?</div><div class=\"protonmail_quote\">\n" + attribution + ":<br>\n<blockquote class=\"protonmail_quote\" type=\"cite\">Thank you.</blockquote><br></div>"},
      {"Apple Mail", "<html><body>Where is it?<br id=\"lineBreakAtBeginningOfMessage\"><div><br><blockquote type=\"cite\"><div>" + attribution + ":</div><br><div>Thank you.</div></blockquote></div></body></html>"}};
  for (const auto& [program, html] : forms) {
    INFO(program << "\n" << html_to_text(html));
    CHECK(reply_in(html) == "Where is it?");
  }
}

TEST_CASE("what the customer wrote between and below marked quotes stays", "[html][reply]") {
  const std::string between = reply_in(gmail("See below.", "<div>It never came.</div><blockquote class=\"gmail_quote\">Do you need help?</blockquote><div>Yes please.</div>"));
  CHECK(between.find("See below.") != std::string::npos);
  CHECK(between.find("It never came.") != std::string::npos);
  CHECK(between.find("Yes please.") != std::string::npos);
  CHECK(reply_in(gmail("", "", "<div>It never came.</div>")).find("It never came.") != std::string::npos);
  CHECK(reply_in(gmail("&nbsp;<br>", "<div>It never came.</div>")).find("It never came.") != std::string::npos);
  CHECK(reply_in(outlook_web("<br>", "<div>It never came.</div>")).ends_with("\nIt never came."));
  CHECK(reply_in("<div class=\"yahoo_quoted\">" + attribution + "<div>Thank you.</div></div><div>It never came.</div>").find("It never came.") != std::string::npos);
  CHECK(reply_in("<div>Hello,</div><div class=\"yahoo_quoted\"><div>Thank you.</div></div><div>It never came.</div>").find("It never came.") != std::string::npos);
  CHECK(reply_in("<div class=\"moz-cite-prefix\">On 21/11/2026 19:57, Support wrote:<br></div><blockquote type=\"cite\">Thank you.</blockquote><p>It never came.</p>") == "It never came.");
}

TEST_CASE("a mail of nothing but marked quotes is shown and not emptied", "[html][reply]") {
  for (const auto& html : {gmail(""), outlook_web(""), outlook_windows("&nbsp;"), std::string("<div class=\"yahoo_quoted\">Thank you.</div>"),
                           std::string("<div id=\"appendonsend\"></div><div>Thank you.</div>"), std::string("<div class=\"gmail_quote\">Thank you.</div>")}) {
    INFO(html);
    CHECK(reply_in(html).find("Thank you") != std::string::npos);
  }
}

TEST_CASE("a line above and bold words of the customer are no repeated header", "[html][reply]") {
  const std::string html = "<div class=WordSection1><p>My wishes:</p><div style='border:none;border-top:solid #E1E1E1 1.0pt'><p><b>Colour:</b> red<br><b>Size:</b> XL<br><b>Number:</b> 2</p></div><p>Thanks</p></div>";
  CHECK(reply_in(html).find("XL") != std::string::npos);
  CHECK(reply_in(html).find("Thanks") != std::string::npos);
  const std::string two = "<p>Hello</p><div style='border-top:solid'><b>Mail:</b> ana@ex.org<br><b>Phone:</b> 123</div><p>Thanks</p>";
  CHECK(reply_in(two).find("Phone") != std::string::npos);
}

TEST_CASE("a form below a line is the customer's message", "[html][reply]") {
  const auto text = reply_in("<p>New request</p><div style=\"border-top: solid 1px\"><b>Name:</b> Zoe<br><b>E-mail:</b> zoe@ex.org<br><b>Topic:</b> parcel<br><b>Message:</b> It is broken.</div>");
  CHECK(text.find("It is broken.") != std::string::npos);
}

TEST_CASE("marks that are never closed or too many are read in bounded time", "[html]") {
  std::string many = "Where is it?";
  for (int i = 0; i < 20'000; ++i) many += "<div style='border-top:solid' class=x>";
  CHECK(reply_in(many) == "Where is it?");
  CHECK(reply_in("Where is it?<div class=yahoo_quoted><div><div>Thank you.") == "Where is it?");
  CHECK(reply_in("Where is it?<div class=yahoo_quoted></blockquote>Thank you.</div></div></div>And when?").find("And when?") != std::string::npos);
}
