#include "tests/model/models.hpp"

#include <algorithm>
#include <cstdio>

namespace weft::model {

std::vector<Model>& models() {
    static std::vector<Model> all;
    return all;
}

void check(std::string_view name) {
    const auto called = [&](const Model& model) { return model.name == name; };
    const auto model = std::find_if(models().begin(), models().end(), called);
    REQUIRE(model != models().end());
    const Report report = model->run(model->about.limits);
    std::printf("%-56.*s %s\n", static_cast<int>(name.size()), name.data(), report.text().c_str());
    CHECK_MESSAGE(report.passed(), report.text());
}

}  // namespace weft::model
