// report: where reports go changes while others report: each finds what the sink needs, made before it was set.
#include "sync/report.hpp"

#include "sync/exception_context.hpp"
#include "sync/exception_handler.hpp"
#include "tests/model/models.hpp"

using weft::ExceptionContext;
using weft::model::require;
using weft::model::together;

namespace {

int kept = 0;   // by the first sink
int told = 0;   // to the second
int where = 0;  // what the second needs: made before it is set

void keep(const ExceptionContext&) { ++kept; }
void tell(const ExceptionContext&) { told += where; }

void a_sink_is_replaced() {
    kept = told = where = 0;
    weft::sync::set_report_sink(&keep);
    together({[] {
                  where = 1;
                  weft::sync::set_report_sink(&tell);
              },
              [] {
                  weft::sync::warn("once");
                  weft::sync::default_exception_handler({.message = "twice"});
              }});
    require(kept + told == 2, "each goes to one of them");
    weft::sync::warn("after that");
    require(kept + told == 3 && told >= 1, "the second is set");
    weft::sync::set_report_sink(nullptr);
}

}  // namespace

WEFT_MODEL("report: while the sink is replaced", a_sink_is_replaced,
           {.type = "ReportSink", .threads = {"set_report_sink", "warn, default_exception_handler"}});
