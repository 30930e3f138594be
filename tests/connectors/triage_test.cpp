// Labels by whole words, whatever the case and the script.
#include <catch2/catch.hpp>

#include "connectors/folded_text.hpp"
#include "connectors/triage.hpp"

using namespace usher::connectors;

namespace {

std::vector<std::string> labels(const std::vector<std::string>& words, const std::string& text, const std::string& subject = {}) {
  const Triage triage({{"found", words}});
  Message message;
  message.subject = subject;
  message.text = "order " + text;
  message.text_new = text;
  triage.apply(message);
  return message.labels;
}

bool found(const std::string& word, const std::string& text) { return !labels({word}, text).empty(); }

}  // namespace

TEST_CASE("a label is given for a whole word in the subject or the new text only", "[triage]") {
  CHECK(found("parcel", "My parcel is late"));
  CHECK(found("parcel", "parcel"));
  CHECK(found("parcel", "(parcel)!"));
  CHECK(found("parcel", "a-parcel's"));
  CHECK(found("parcel", "parcels, no: parcel"));
  CHECK(!found("parcel", "parcels"));
  CHECK(!found("parcel", "myparcel"));
  CHECK(!found("parcel", "parcel_id"));
  CHECK(!found("parcel", "parcel2"));
  CHECK(!found("order", "nothing"));  // Only in the quoted part.
  CHECK(labels({"order"}, "x", "Your ORDER") == std::vector<std::string>{"found"});
  CHECK(!found("xorder", "order"));
  CHECK(labels({"ab cd"}, "cd", "ab").empty());  // Subject and text are two texts.
}

TEST_CASE("case does not matter in the scripts that have one", "[triage]") {
  CHECK(found("Größe", "GRÖSSE Größe"));
  CHECK(found("größe", "DIE GRÖßE"));
  CHECK(found("ÉTÉ", "cet été"));
  CHECK(found("заказ", "Мой ЗАКАЗ"));
  CHECK(found("ПАРАГГЕЛІА", "параггеліа"));
  CHECK(found("παραγγελία", "ΠΑΡΑΓΓΕΛΊΑ"));
  CHECK(found("λόγος", "ΛΌΓΟΣ"));
  CHECK(found("şikâyet", "ŞIKÂYET"));
  CHECK(found("Žluťoučký", "ŽLUŤOUČKÝ"));
  CHECK(!found("ete", "été"));
  CHECK(!found("заказ", "заказы"));
}

TEST_CASE("a word of several words stands with any white space between", "[triage]") {
  CHECK(found("money back", "I want my Money \r\n\t back."));
  CHECK(found("  money   back ", "money\u00a0back"));
  CHECK(!found("money back", "money-back"));
  CHECK(!found("money back", "money backs"));
}

TEST_CASE("scripts without blanks are searched anywhere", "[triage]") {
  CHECK(found("注文", "先日の注文について"));
  CHECK(found("退款", "我要退款谢谢"));
  CHECK(found("주문", "주문은 어디에"));
  CHECK(found("คืนเงิน", "ขอคืนเงินด้วย"));
  CHECK(found("DHL", "我的DHL在哪里"));
  CHECK(!found("DHL", "ADHL"));
}

TEST_CASE("labels come out sorted and once, and stand beside those that were there", "[triage]") {
  const Triage triage({{"z", {"one", "uno"}}, {"a", {"one"}}, {"z", {"eins"}}, {"none", {"", "  "}}});
  Message message;
  message.text_new = "eins one uno";
  message.labels = {"m", "z"};
  triage.apply(message);
  CHECK(message.labels == std::vector<std::string>{"a", "m", "z"});
}

TEST_CASE("text that is not UTF-8 is searched without harm", "[triage]") {
  CHECK(fold("\xc3") == "\xc3");
  CHECK(fold("A\xff\xe2\x82") == "a\xff\xe2\x82");
  CHECK(found("parcel", "\xff parcel \xf0\x9f"));
}
